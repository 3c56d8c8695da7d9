// Has the user's own coverage.py combine data files and make reports, in its own interpreter: these data are nothing that we read ourselves.

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
  /** A private directory, for the task and its result. */
  readonly directory: string;
  /** Where the run leaves its outputs. */
  readonly out: string;
  readonly options: CoverageOptions;
  readonly files: readonly ({ readonly path: string; readonly agent: AgentId } & CoverageOrigin)[];
  /** Are reports to be made, beside the combined data? */
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

/** What coverage.py made of it: the total, data files it could not use, the table for the terminal, and the paths it has written. */
export type Combined = z.infer<typeof resultSchema>;

/** How much of what Python said is kept of a failure. */
const SAID_CHARS = 2000;

/** Never rejects for what coverage.py or the limit do: these are problems in the result. Throws `bad-message` for a result that is none. */
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
