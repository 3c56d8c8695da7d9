// Validates the JSON result of a discovery, and the report of a missing package. plugin/lib/shardline_pytest writes them.

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf, ShardlineError } from '../errors.ts';
import { coverageOptionsSchema } from '../wire/coverage.ts';
import { pythonPrintSchema } from '../wire/suite/fingerprint.ts';
import { foundCacheSchema } from '../wire/suite/pytest-cache.ts';

const versions = { python: z.string(), pytest: z.string(), xdist: z.string() };
const problem = z.object({ problem: z.object({ package: z.string(), problem: z.string() }) });
const unsupported = z.object({ unsupported: z.string() });
const discovery = z.object({
  ...versions,
  rootdir: z.string(),
  files: z.array(z.object({ file: z.string(), nodeids: z.array(z.string()).nullable() })),
  collectErrors: z.array(z.object({ file: z.string(), message: z.string() })),
  outside: z.array(z.string()),
  maxfail: z.number().int().nonnegative(),
  dist: z.string(),
  together: z.array(z.array(z.string())),
  unclearMarks: z.array(z.object({ file: z.string(), line: z.number().int() })),
  unstreamable: z.string().nullable(),
  censusKey: z.string(),
  namesTests: z.boolean(),
  coverage: coverageOptionsSchema.nullable(),
  acceptsNoTests: z.boolean(),
  junitXml: z.string().nullable(),
  idlePlugin: z.object({ plugin: z.string(), option: z.string(), refuses: z.boolean() }).nullable(),
  cache: foundCacheSchema.nullable(),
  fingerprint: pythonPrintSchema,
});

export type DiscoveryResult = z.infer<typeof discovery>;

/** Throws `no-pytest` if launch.py has reported a missing or outdated package. */
export async function refuseMissingPackage(path: string, python: string): Promise<void> {
  await readResult(path, python, z.unknown());
}

/**
 * Returns null when pytest ended before it wrote a result. `unsupported` names an option that shardline cannot run. Throws `no-pytest` and
 * `bad-message`.
 */
export const readDiscoveryResult = async (
  path: string,
  python: string,
): Promise<DiscoveryResult | { readonly unsupported: string } | null> => await readResult(path, python, z.union([unsupported, discovery]));

/** Throws `no-pytest` and `bad-message`. */
export const decodeDiscoveryResult = (text: string, python: string): DiscoveryResult | { readonly unsupported: string } =>
  decodeResult(text, python, z.union([unsupported, discovery]));

async function readResult<T>(path: string, python: string, schema: z.ZodType<T>): Promise<T | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return null;
    throw thrown;
  }
  return decodeResult(text, python, schema);
}

function decodeResult<T>(text: string, python: string, schema: z.ZodType<T>): T {
  const value = parse(text);
  const found = problem.safeParse(value);
  if (found.success) throw new ShardlineError('no-pytest', { python, ...found.data.problem });
  const result = schema.safeParse(value);
  if (!result.success) throw new ShardlineError('bad-message', { source: 'a message of pytest', problem: z.prettifyError(result.error) });
  return result.data;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new ShardlineError('bad-message', { source: 'a message of pytest', problem: messageOf(thrown) }, { cause: thrown });
  }
}
