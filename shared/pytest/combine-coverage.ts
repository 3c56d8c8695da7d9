// Runs the user's own coverage.py in its own interpreter to combine data files and write reports. shardline never reads these data itself.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import type { CoverageOptions, CoverageOrigin } from '../domain/coverage.ts';
import type { AgentId } from '../domain/ids.ts';
import { tailOf } from '../text/tail.ts';
import { checked } from '../wire/parse.ts';
import { combinePath } from './plugin-path.ts';
import { pytestEnvironment } from './start-pytest.ts';

export interface CombineTask {
  readonly python: string;
  readonly workspace: string;
  /** A private directory for the task and its result. */
  readonly directory: string;
  /** The output directory of the run. */
  readonly out: string;
  /** The names of the combined data there. */
  readonly dataNames: readonly string[];
  readonly options: CoverageOptions;
  readonly files: readonly ({ readonly path: string; readonly agent: AgentId } & CoverageOrigin)[];
  /** Whether to write reports, besides the combined data. */
  readonly isReported: boolean;
  readonly limitMs: number;
}

const resultSchema = z.object({
  percent: z.number().nullable(),
  isUnder: z.boolean().nullable(),
  unusable: z.array(z.string()),
  problems: z.array(z.string()),
  warnings: z.array(z.string()),
  text: z.string(),
  written: z.array(z.string()),
});

/** The result from coverage.py: the total, the data files it could not use, the table for the terminal, and the paths it has written. */
export type Combined = z.infer<typeof resultSchema>;

/** The length of Python's output in an error message. */
const SAID_CHARS = 2000;

/**
 * A failure of coverage.py and an exceeded limit become problems in the result; they never reject. Throws `bad-message` for an invalid
 * result.
 */
export async function combineCoverage(task: CombineTask): Promise<Combined> {
  const { python, workspace, directory, limitMs, ...rest } = task;
  const taskPath = join(directory, 'combine.json');
  const resultPath = join(directory, 'combined.json');
  await writeFile(taskPath, JSON.stringify({ ...rest, resultPath }), { mode: 0o600 });
  const ended = await execa(python, [combinePath(), taskPath], {
    cwd: workspace,
    env: pytestEnvironment(process.env),
    extendEnv: false,
    reject: false,
    all: true,
    stdin: 'ignore',
    timeout: Math.max(1, limitMs),
    killSignal: 'SIGKILL',
    maxBuffer: { all: 1_000_000 },
  });
  const text = ended.exitCode === 0 ? await readFile(resultPath, 'utf8') : null;
  if (text !== null) return checked(resultSchema, JSON.parse(text), 'combine.py');
  const problem = ended.timedOut
    ? `could not combine coverage in the remaining ${(limitMs / 1000).toFixed(1)} s`
    : `coverage.py could not combine: ${tailOf(ended.all.trim(), SAID_CHARS) || ended.shortMessage}`;
  return { percent: null, isUnder: null, unusable: [], problems: [problem], warnings: [], text: '', written: [] };
}
