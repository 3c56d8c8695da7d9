// Runs plain pytest with a plugin that only measures, under a time limit, and reads the records that each of its processes wrote.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { MeasuredProcess } from '../../../shared/domain/measuring.ts';
import { parseMeasureRecords } from '../../../shared/pytest/measure-file.ts';
import { refuseMissingPackage } from '../../../shared/pytest/result-file.ts';
import { makeSessionDirectory, removeSessionDirectory, writeSessionFile } from '../../../shared/pytest/session-file.ts';
import { startPytest } from '../../../shared/pytest/start-pytest.ts';

/** Prefix of the files that pytest's processes write. */
const RECORD = 'record.';

export interface MeasureRequest {
  readonly python: string;
  readonly workspace: string;
  readonly pytestArgs: readonly string[];
  readonly serialMarker: string;
  /** xdist's `-n` value; `0` runs one test after another in one process. */
  readonly numprocesses: string;
  /** Only collects, and lists the imports that collection needs. */
  readonly listsImports: boolean;
  readonly limitSeconds: number;
}

/** The result of one pytest. Instants are in seconds since the epoch. */
export interface MeasuredPytest {
  readonly startedAt: number;
  readonly endedAt: number;
  /** null if it was killed. */
  readonly exitCode: number | null;
  /** True if it did not end by itself: shardline killed it at the limit, or something else killed it. */
  readonly isPartial: boolean;
  readonly processes: readonly MeasuredProcess[];
  /** Its whole standard error if imports are listed. */
  readonly imports: string;
  /** The end of its output. */
  readonly output: string;
}

/** Throws `no-workspace`, `no-python`, `no-pytest` and `bad-message`, and the signal's reason if it aborts. */
export async function measurePytest(request: MeasureRequest, signal: AbortSignal): Promise<MeasuredPytest> {
  signal.throwIfAborted();
  const { python, workspace, pytestArgs, serialMarker, numprocesses, listsImports, limitSeconds } = request;
  const directory = await makeSessionDirectory();
  const over = new AbortController();
  try {
    const sessionPath = join(directory, 'session.json');
    const resultPath = join(directory, 'result.json');
    // Every test must run, and the measurement must not change pytest's cache in the user's workspace.
    const lastArgs = ['-n', numprocesses, '--maxfail=0', '--continue-on-collection-errors', '-o', `cache_dir=${join(directory, 'cache')}`];
    await writeSessionFile(sessionPath, {
      mode: 'measure',
      recordPath: join(directory, 'record'),
      resultPath,
      pytestArgs,
      lastArgs: listsImports ? [...lastArgs, '--collect-only', '-q'] : lastArgs,
      serialMarker,
      listsImports,
    });
    const chunks: Buffer[] = [];
    const startedAt = Date.now() / 1000;
    const pytest = await startPytest({
      python,
      workspace,
      sessionPath,
      ...(listsImports ? { environment: { PYTHONPROFILEIMPORTTIME: '1' }, onStderr: (chunk: Buffer) => void chunks.push(chunk) } : {}),
    });
    const limit = delay(limitSeconds * 1000, 'limit', { signal: AbortSignal.any([signal, over.signal]) }).catch(() => 'ended');
    const ended = await Promise.race([pytest.exited.then(() => 'ended'), limit]);
    if (ended === 'limit' || signal.aborted) pytest.kill();
    const { exitCode } = await pytest.exited;
    const endedAt = Date.now() / 1000;
    signal.throwIfAborted();
    await refuseMissingPackage(resultPath, python);
    return {
      startedAt,
      endedAt,
      exitCode,
      isPartial: exitCode === null,
      processes: await readProcesses(directory),
      imports: Buffer.concat(chunks).toString('utf8'),
      output: pytest.output(),
    };
  } finally {
    over.abort();
    await removeSessionDirectory(directory);
  }
}

async function readProcesses(directory: string): Promise<readonly MeasuredProcess[]> {
  const names = (await readdir(directory)).filter((each) => each.startsWith(RECORD)).sort();
  return await Promise.all(
    names.map(async (file) => {
      const name = file.slice(RECORD.length);
      return { name, records: parseMeasureRecords(await readFile(join(directory, file), 'utf8'), `pytest (${name})`) };
    }),
  );
}
