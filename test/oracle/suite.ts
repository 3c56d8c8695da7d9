// What a folder of the oracle says about itself: `oracle.json` beside the suite's own files. README.md lists the fields.

import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { plugins } from './plugins.ts';

/** What two ways of running are compared in. `cache` and `properties` are compared only where a suite asks. */
export const aspects = [
  'exit',
  'ids',
  'outcomes',
  'counts',
  'collect-errors',
  'deselected',
  'junit',
  'files',
  'reads',
  'warnings',
  'cache',
  'properties',
] as const;
export type Aspect = (typeof aspects)[number];

/** Groups of ways, for differences that are documented: `xdist` is `pytest -n 2`, `shardline` all ways of ours, `fleet` those with two agents. */
const wayGroups = ['xdist', 'shardline', 'fleet'] as const;
export type WayGroup = (typeof wayGroups)[number];

const count = z.number().int().nonnegative();

const step = z.strictObject({
  /** Paths and node ids. */
  targets: z.array(z.string()).default([]),
  /** Arguments of pytest; shardline gets them after `--`. */
  args: z.array(z.string()).default([]),
  /** Files written before the step: path → text. */
  write: z.record(z.string(), z.string()).default({}),
  /** What plain pytest gives in a fresh copy; checked, so that the input is known to show what it should. A generated suite has none. */
  right: z
    .strictObject({
      exit: count,
      /** Number of tests by outcome; an outcome that is left out is 0. */
      counts: z.record(z.string(), count),
      collectErrors: z.array(z.string()).default([]),
    })
    .optional(),
});

const schema = z.strictObject({
  /** One sentence: the right result, and what goes wrong without it. */
  title: z.string(),
  /** Run one after the other in one directory. */
  steps: z.array(step).min(1),
  env: z.record(z.string(), z.string()).default({}),
  /** Where everything is started, relative to the folder. */
  cwd: z.string().default('.'),
  /** `module` for suites that people start with `python -m pytest`, which puts the current directory on sys.path. */
  launch: z.enum(['pytest', 'module']).default('pytest'),
  /** `npm test` runs it with two agents too. */
  fleet: z.boolean().default(false),
  /** `npm test` runs it twice in one directory: memory of the first run, or its order, may change the second. */
  again: z.boolean().default(false),
  /** Plugins of test/environments/oracle.txt that the suite needs; without any, it runs in the repository's own environment. */
  plugins: z.array(z.enum(plugins)).default([]),
  /** False where the suite itself says where pytest's JUnit file goes. */
  junit: z.boolean().default(true),
  /** Files that must hold the same: a JUnit file, lines in any order, one field of a JSON file, or the number of files that a glob matches. */
  reads: z
    .array(z.strictObject({ path: z.string(), as: z.enum(['junit', 'lines', 'json', 'count']), field: z.string().optional() }))
    .default([]),
  /** Globs of files that are not compared, beside those of shardline, pytest's cache and Python's. */
  ignore: z.array(z.string()).default([]),
  /** Aspects that are compared only where a suite asks. */
  also: z.array(z.enum(['cache', 'properties'])).default([]),
  /** Documented differences from plain pytest. */
  differs: z.array(z.strictObject({ aspects: z.array(z.enum(aspects)), in: z.array(z.enum(wayGroups)), why: z.string() })).default([]),
});

export type SuiteFile = z.infer<typeof schema>;
export type Step = SuiteFile['steps'][number];
export type Read = SuiteFile['reads'][number];

/** As `oracle.json` has it before defaults are filled in. */
export type GivenSuite = z.input<typeof schema>;

export interface OracleSuite extends SuiteFile {
  readonly name: string;
  readonly folder: string;
}

/** Reads the folder's `oracle.json`; throws with the path where it is missing or has an unknown field. */
export function readSuite(folder: string): OracleSuite {
  const path = join(folder, 'oracle.json');
  if (!existsSync(path)) throw new Error(`${path} does not exist. Fix: write one; test/oracle/README.md lists its fields`);
  const read = schema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (!read.success) throw new Error(`${path}: ${z.prettifyError(read.error)}`);
  return { ...read.data, name: basename(folder), folder };
}
