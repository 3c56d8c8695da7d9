// Runs plain pytest with a plugin that only measures, under a limit of time, and reads what each of its processes told.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { MeasuredProcess } from '../../../shared/domain/measuring.ts';
import { parseMeasureRecords } from '../../../shared/pytest/measure-file.ts';
import { refuseMissingPackage } from '../../../shared/pytest/result-file.ts';
import { makeSessionDirectory, removeSessionDirectory, writeSessionFile } from '../../../shared/pytest/session-file.ts';
import { startPytest } from '../../../shared/pytest/start-pytest.ts';

/** How the files begin that its processes write. */
const RECORD = 'record.';

export interface MeasureRequest {
  readonly python: string;
  readonly workspace: string;
  readonly pytestArgs: readonly string[];
  readonly serialMarker: string;
  /** Of xdist, as `-n` takes it; `0` runs one test after another in one process. */
  readonly numprocesses: string;
  /** Collects only, and lists what is imported for it. */
  readonly listsImports: boolean;
  readonly limitSeconds: number;
}

/** What one pytest did. Instants in seconds since the epoch. */
export interface MeasuredPytest {
  readonly startedAt: number;
  readonly endedAt: number;
  /** null when it was killed. */
  readonly exitCode: number | null;
  /** It did not come to its own end: killed at the limit, or by somebody else. */
  readonly isPartial: boolean;
  readonly processes: readonly MeasuredProcess[];
  /** All of its standard error where imports are listed. */
  readonly imports: string;
  /** The end of what it printed. */
  readonly output: string;
}

/** Throws `no-workspace`, `no-python`, `no-pytest` and `bad-message`; the signal's reason when it aborts. */
export async function measurePytest(request: MeasureRequest, signal: AbortSignal): Promise<MeasuredPytest> {
  signal.throwIfAborted();
  const { python, workspace, pytestArgs, serialMarker, numprocesses, listsImports, limitSeconds } = request;
  const directory = await makeSessionDirectory();
  const over = new AbortController();
  try {
    const sessionPath = join(directory, 'session.json');
    const resultPath = join(directory, 'result.json');
    // Every test is to run, and what pytest remembers of it is not to change what it remembers for the user.
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
      ...(listsImports ? { environment: { PYTHONPROFILEIMPORTTIME: '1' }, hear: (chunk: Buffer) => void chunks.push(chunk) } : {}),
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
