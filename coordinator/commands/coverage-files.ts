// The data files of coverage that agents sent, taken out of Redis as they are told of: a coordinator that takes over finds them here.

import { access, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import { COVERAGE_LIMITS, type CoveragePart, type KeptCoverage } from '../../shared/domain/coverage.ts';
import type { AgentId } from '../../shared/domain/ids.ts';
import { messageOf } from '../../shared/errors.ts';
import { makeDirectory } from '../../shared/system/make-directory.ts';
import type { RunChannel } from '../ports.ts';

const decompress = promisify(inflate);

export interface CoverageFiles {
  /** Begins to take what an agent told of. */
  take(kept: KeptCoverage): void;
  /** Resolves when nothing is on its way any more. Never rejects. */
  settled(): Promise<void>;
  /** The path of a file that has come; undefined where it has not. */
  pathOf(agent: AgentId, part: number): string | undefined;
  /** Why files have not come, in words. */
  readonly problems: readonly string[];
  /** Where they are. */
  readonly directory: string;
  remove(): Promise<void>;
}

export function coverageFiles(directory: string, channel: Pick<RunChannel, 'takeCoverage'>): CoverageFiles {
  const paths = new Map<string, string>();
  const problems: string[] = [];
  let last = Promise.resolve();

  const takePart = async (agent: AgentId, part: CoveragePart): Promise<void> => {
    const name = `${agent}-${part.part}.data`;
    const path = join(directory, name);
    if (!(await isThere(path))) {
      const compressed = await channel.takeCoverage(agent, part);
      if (compressed === null) throw new Error('Redis does not have it');
      const data = await decompress(compressed, { maxOutputLength: COVERAGE_LIMITS.fileBytes });
      makeDirectory(directory, 0o700);
      await writeFile(`${path}.part`, data, { mode: 0o600 });
      await rename(`${path}.part`, path);
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

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
