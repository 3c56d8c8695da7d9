// Sends pytest-cov's data to the coordinator: the compressed data files, and the attempts that they cover.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import type { Clock } from '../shared/clock.ts';
import { COVERAGE_LIMITS, type CoveragePart } from '../shared/domain/coverage.ts';
import type { AgentId } from '../shared/domain/ids.ts';
import { messageOf } from '../shared/errors.ts';
import { type OtherUser, openOwned } from '../shared/system/other-user.ts';
import type { Outbox } from './outbox.ts';
import type { JoinedRun, MeasuredCoverage } from './ports.ts';

const { chunkBytes, chunks, fileBytes } = COVERAGE_LIMITS;
const compress = promisify(deflate);

/** The engine passes each pytest's coverage to the returned function. A file over the size limit is reported as missing. */
export function coverageSender(
  run: Pick<JoinedRun, 'storeCoverage'>,
  outbox: Pick<Outbox, 'push'>,
  agent: AgentId,
  clock: Pick<Clock, 'now'>,
): (measured: MeasuredCoverage) => Promise<void> {
  let files = 0;
  return async ({ directory, user = null, origin, attempts, lost }) => {
    const parts: CoveragePart[] = [];
    let problem: string | null = null;
    for (const path of await dataFiles(directory)) {
      const read = await readData(path, user).catch((thrown: unknown) => messageOf(thrown));
      if (typeof read === 'string') {
        problem ??= `agent ${agent} could not send its coverage: ${read}`;
        continue;
      }
      const { data, size } = read;
      if (data === null || data.length > chunks * chunkBytes) {
        problem ??= `agent ${agent} could not send its coverage: ${size} bytes in one file (the limit is ${fileBytes}, or ${chunks * chunkBytes} compressed)`;
        continue;
      }
      files += 1;
      parts.push(await run.storeCoverage(files, data));
    }
    const isWhole = problem === null && parts.length > 0;
    const measured = isWhole ? { attempts, lost } : { attempts: [], lost: [...attempts, ...lost] };
    outbox.push({ kind: 'coverage-kept', at: clock.now(), coverage: { agent, origin, parts, ...measured, problem } });
  };
}

/** The compressed content of a file, and its size in bytes; no content if that is over the limit. */
async function readData(path: string, user: OtherUser | null): Promise<{ readonly data: Buffer | null; readonly size: number }> {
  const { file, size } = await openOwned(user, path);
  try {
    // The test process may still write the file: read at most one byte more than the limit.
    const content = await buffer(file.createReadStream({ end: fileBytes, autoClose: false }));
    return { data: content.length > fileBytes ? null : await compress(content), size: Math.max(size, content.length) };
  } finally {
    await file.close();
  }
}

/** The data files of coverage.py: one file of a pytest that ended in order, or one file per xdist worker. */
async function dataFiles(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('-journal'))
    .map(({ name }) => join(directory, name))
    .sort();
}
