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

/** Throws `bad-message`. */
export function checked<Value>(schema: z.ZodType<Value>, value: unknown, source: string): Value {
  const result = schema.safeParse(value);
  if (!result.success) throw new ShardlineError('bad-message', { source, problem: z.prettifyError(result.error) });
  return result.data;
}

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
