// Reads all data from Redis and from files: parses it, checks its version, and validates it once. The rest of the program trusts the
// result.

import { z } from 'zod';
import {
  type AgentId,
  type AttemptId,
  agentId,
  type NodeId,
  nodeId,
  type RunId,
  runId,
  type ShardId,
  type TestFile,
  testFile,
} from '../domain/ids.ts';
import { messageOf, ShardlineError } from '../errors.ts';

/**
 * Throws `bad-message`, or `newer-version` when the text's `version` is above `known`. `source` names the origin of the text in the error.
 */
export function parseVersioned<Value>(schema: z.ZodType<Value>, text: string, source: string, known: number): Value {
  const value = parseJson(text, source);
  const found = versionOf(value);
  if (found !== null && found > known) throw new ShardlineError('newer-version', { found, known });
  return checked(schema, value, source);
}

/** Throws `bad-message`. */
export function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new ShardlineError('bad-message', { source, problem: messageOf(thrown) }, { cause: thrown });
  }
}

/** Problems of one message that its error names. */
const MOST_ISSUES = 10;

/** Throws `bad-message`. */
export function checked<Value>(schema: z.ZodType<Value>, value: unknown, source: string): Value {
  const result = safelyParsed(schema, value, source);
  if (result.success) return result.data;
  const { issues } = result.error;
  const problem = z.prettifyError(new z.ZodError(issues.slice(0, MOST_ISSUES)));
  const more = issues.length > MOST_ISSUES ? `\n… and ${(issues.length - MOST_ISSUES).toLocaleString('en')} more` : '';
  throw new ShardlineError('bad-message', { source, problem: `${problem}${more}` });
}

/** zod fails with a RangeError on a value with very many problems. */
function safelyParsed<Value>(schema: z.ZodType<Value>, value: unknown, source: string): z.ZodSafeParseResult<Value> {
  try {
    return schema.safeParse(value);
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    throw new ShardlineError('bad-message', { source, problem: 'it has too many problems to name them' }, { cause: thrown });
  }
}

/**
 * A list that is checked up to its first wrong item. `z.array` keeps every problem: a message of 6 MB then takes 3 GB, or ends the process
 * (measured, zod 4.6).
 */
export const listOf = <Item>(item: z.ZodType<Item>, { least = 0, most = Number.MAX_SAFE_INTEGER } = {}): z.ZodType<Item[]> =>
  z
    .array(z.unknown())
    .min(least)
    .max(most)
    .transform((values, context) => {
      const items: Item[] = [];
      for (const [index, value] of values.entries()) {
        const result = item.safeParse(value);
        if (result.success) {
          items.push(result.data);
          continue;
        }
        const issues = result.error.issues.slice(0, MOST_ISSUES);
        context.issues.push(...issues.map((issue) => ({ ...issue, path: [index, ...issue.path] }) as z.core.$ZodRawIssue));
        return z.NEVER;
      }
      return items;
    });

/** The number in the field `version`; null if there is none. */
export function versionOf(value: unknown): number | null {
  if (typeof value !== 'object' || value === null || !('version' in value)) return null;
  return typeof value.version === 'number' ? value.version : null;
}

/** Relative, with forward slashes, and never upward, so that a path joined to a workspace stays inside it. */
const isInside = (path: string): boolean => !path.startsWith('/') && !path.includes('\0') && !path.split('/').includes('..');
const fileOfId = (id: string): string => id.split('::', 1)[0] ?? '';

export const testFileSchema: z.ZodType<TestFile> = z.string().refine(isInside, 'must be a path inside the rootdir').transform(testFile);
export const nodeIdSchema: z.ZodType<NodeId> = z
  .string()
  .refine((id) => isInside(fileOfId(id)), 'must name a file inside the rootdir')
  .transform(nodeId);
export const runIdSchema: z.ZodType<RunId> = z
  .string()
  .regex(/^[a-z0-9-]{1,64}$/)
  .transform(runId);
export const agentIdSchema: z.ZodType<AgentId> = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,128}$/)
  .transform(agentId);
/** The id as a list of one; empty for a text that cannot be an id. Anyone with access to Redis may write any text there. */
export function readId<Id>(schema: z.ZodType<Id>, text: string | undefined): readonly Id[] {
  const result = schema.safeParse(text);
  return result.success ? [result.data] : [];
}

export const shardIdSchema: z.ZodType<ShardId> = z
  .string()
  .regex(/^s[1-9]\d{0,8}$/)
  .transform((text) => text as ShardId);
export const attemptIdSchema: z.ZodType<AttemptId> = z
  .string()
  .regex(/^s[1-9]\d{0,8}\.[1-9]\d{0,8}$/)
  .transform((text) => text as AttemptId);
