// Checks the suite: whether pytest accepts it, and how its files may be collected.

import { dirname, join } from 'node:path';
import type { Census } from '../../shared/domain/suite/census.ts';
import { connect } from '../../shared/redis/connect.ts';
import type { DoctorSettings } from '../../shared/settings/settings.ts';
import { plural } from '../../shared/text/safe-text.ts';
import { decideCollect } from '../core/decide/collect-choice.ts';
import { fileContents } from '../discovery/file-contents.ts';
import { pytestDiscovery } from '../discovery/pytest-discovery.ts';
import type { DiscoveredSuite } from '../ports.ts';
import { censusFile } from '../record/census-file.ts';
import { redisCensusStore } from '../redis/census-store.ts';
import { inSeconds } from '../reporters/summary/profile-text.ts';
import { doubtful, type Finding, ok, skipped } from './finding.ts';

/** Asks no Redis if `isRedisBad`. Rejects with the errors of discovery, each of which says how to fix it, and with the signal's reason. */
export async function checkSuite(settings: DoctorSettings, isRedisBad: boolean, signal: AbortSignal): Promise<readonly Finding[]> {
  const { workspace, python, paths, pytestArgs, serialMarker } = settings;
  const startedAt = performance.now();
  const suite = await pytestDiscovery().discover({ workspace, python, pytestArgs: [...paths, ...pytestArgs], serialMarker }, signal);
  const seconds = (performance.now() - startedAt) / 1000;
  const found = `pytest ${suite.pytest} with xdist ${suite.xdist} finds ${plural(suite.files.length, 'test file')} in ${inSeconds(seconds)}`;
  return [
    suite.files.length === 0 ? doubtful('suite', found, 'Name the directory of the tests: `shardline doctor PATH`.') : ok('suite', found),
    ...suite.collectErrors.map(({ file }) =>
      doubtful('suite', `pytest cannot load ${file}`, `Run \`pytest --collect-only ${file}\` to see why.`),
    ),
    ...(await collection(settings, suite, isRedisBad)),
  ];
}

/** What earlier runs found out, hook by hook. */
async function collection(settings: DoctorSettings, suite: DiscoveredSuite, isRedisBad: boolean): Promise<readonly Finding[]> {
  const { rootdir, files, unstreamable, namesTests, censusKey } = suite;
  const isUnknown = isRedisBad && settings.redis !== null;
  const census = isUnknown ? null : await knownCensus(settings, censusKey);
  if (isUnknown && unstreamable === null && !namesTests) return [skipped('collect', 'redis')];
  if (census === null && unstreamable === null && !namesTests) {
    return [ok('collect', 'not known yet: the first run finds out whether each file can be collected once')];
  }
  const contents = await fileContents(
    rootdir,
    files.map(({ file }) => file),
  );
  const { mode, why, advice } = decideCollect({ asked: 'auto', unstreamable, namesTests, census, contents });
  if (mode === 'file') return [ok('collect', 'each file is collected once')];
  const others = (census?.problems ?? []).slice(1);
  return [
    doubtful('collect', `every worker collects the whole suite: ${why ?? ''}`, advice),
    ...others.map((problem) => doubtful('collect', problem, null)),
  ];
}

/** A run keeps it where it keeps the durations: in its pool, or beside them in a file. */
async function knownCensus({ workspace, timings, redis: url, redisTls: tls, pool }: DoctorSettings, key: string): Promise<Census | null> {
  if (url === null)
    return await censusFile(join(dirname(timings ?? join(workspace, '.shardline', 'timings.json')), 'census.json')).load(key);
  const redis = await connect(url, 'shardline:doctor', { tls });
  try {
    return await redisCensusStore(redis, pool).load(key);
  } finally {
    redis.disconnect();
  }
}
