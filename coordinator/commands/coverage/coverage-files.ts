// Takes the coverage data files that agents sent out of Redis and stores them on disk as the agents announce them, so that a coordinator
// that takes over finds them there.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import { COVERAGE_LIMITS, type CoveragePart, type KeptCoverage } from '../../../shared/domain/coverage.ts';
import type { AgentId } from '../../../shared/domain/ids.ts';
import { messageOf } from '../../../shared/errors.ts';
import { PRIVATE, replaceFile } from '../../../shared/system/files/replace-file.ts';
import type { RunChannel } from '../../ports.ts';

const decompress = promisify(inflate);

export interface CoverageFiles {
  /** Starts to take the files that an agent announced. */
  take(kept: KeptCoverage): void;
  /** Resolves when no file is in transit. Never rejects. */
  settled(): Promise<void>;
  /** Returns the path of a file that has arrived; undefined if it has not. */
  pathOf(agent: AgentId, part: number): string | undefined;
  /** Why files are missing, in words. */
  readonly problems: readonly string[];
  /** The directory of the files. */
  readonly directory: string;
  remove(): Promise<void>;
}

/** `limits` are smaller in tests only. */
export function coverageFiles(
  directory: string,
  channel: Pick<RunChannel, 'takeCoverage'>,
  limits: Readonly<Record<'fileBytes' | 'runBytes' | 'runParts', number>> = COVERAGE_LIMITS,
): CoverageFiles {
  const paths = new Map<string, string>();
  const problems: string[] = [];
  let last = Promise.resolve();

  let bytes = 0;
  const takePart = async (agent: AgentId, part: CoveragePart): Promise<void> => {
    if (paths.size >= limits.runParts || bytes >= limits.runBytes) throw new Error('the run has too much coverage');
    const name = `${agent}-${part.part}.data`;
    const path = join(directory, name);
    if (!existsSync(path)) {
      const compressed = await channel.takeCoverage(agent, part);
      if (compressed === null) throw new Error('Redis does not have it');
      const digest = createHash('sha256').update(compressed).digest('hex');
      if (part.digest !== undefined && part.digest !== digest) throw new Error('it is not the one that the agent sent');
      const data = await decompress(compressed, { maxOutputLength: limits.fileBytes });
      bytes += data.length;
      await replaceFile(path, data, PRIVATE);
    }
    paths.set(name, path);
  };

  return {
    directory,
    problems,
    take({ agent, parts }) {
      for (const part of parts) {
        last = last
          .then(() => takePart(agent, part))
          .catch((thrown: unknown) => void problems.push(`did not receive a data file of agent ${agent}: ${messageOf(thrown)}`));
      }
    },
    settled: () => last,
    pathOf: (agent, part) => paths.get(`${agent}-${part}.data`),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}
