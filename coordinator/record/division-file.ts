// Reads and writes plan.json, the parts of a suite that several jobs run.

import { readFile } from 'node:fs/promises';
import type { Division } from '../../shared/domain/part.ts';
import { reasonOf, ShardlineError } from '../../shared/errors.ts';
import { replaceFile } from '../../shared/system/files/replace-file.ts';
import { decodeDivision, encodeDivision } from '../../shared/wire/report/part.ts';

/** Throws `bad-plan`, which names `command` to write the plan again, and `newer-version`. */
export async function readDivision(path: string, command: string): Promise<Division> {
  try {
    return decodeDivision(await readFile(path, 'utf8'), path);
  } catch (thrown) {
    if (thrown instanceof ShardlineError && thrown.code !== 'bad-message') throw thrown;
    const problem = thrown instanceof ShardlineError ? String(thrown.values.problem) : reasonOf(thrown);
    throw new ShardlineError('bad-plan', { path, problem, command }, { cause: thrown });
  }
}

/** Throws `output-not-writable`. */
export async function writeDivision(path: string, division: Division): Promise<void> {
  try {
    await replaceFile(path, encodeDivision(division));
  } catch (thrown) {
    throw new ShardlineError('output-not-writable', { path, problem: reasonOf(thrown) }, { cause: thrown });
  }
}
