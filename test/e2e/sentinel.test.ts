// Kills the primary of a Sentinel group in the middle of a run. The run goes on with the replica, and its outcomes are those of pytest. Once with
// TLS and passwords, if a package provides a server with TLS.

import { expect, test } from 'vitest';
import { connect } from '../../shared/redis/connect.ts';
import { NO_TLS_FILES } from '../../shared/settings/settings.ts';
import { makeCertificates, tlsFilesOf, tlsOptionsOf } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { serverProgram } from '../support/redis.ts';
import { startSentinelGroup } from '../support/sentinel.ts';
import { wholeRun } from '../support/whole-run.ts';

const FILES = 60;
const withTls = serverProgram('redis-7');
const passwords = { server: 'of-the-servers', sentinel: 'of-the-Sentinels' };

test.each([
  ['with a replica that has everything', false],
  // Replication is asynchronous: the server has acknowledged these results, and they are lost.
  ['without the last results that the old primary has acknowledged', true],
])('a run survives a failover %s', async (_, losesResults) => {
  await using certificates = await makeCertificates();
  const isTls = !losesResults && withTls !== null;
  const tls = isTls ? tlsFilesOf(certificates) : NO_TLS_FILES;
  await using group = isTls
    ? await startSentinelGroup(withTls, { passwords, certificates })
    : await startSentinelGroup(serverProgram('valkey-9') ?? '');
  const redis = await connect(group.primary, 'test', { tls });
  const events = async (): Promise<number> => {
    const [key] = await redis.keys('{sl:run:*}:events');
    return key === undefined ? 0 : await redis.xlen(key);
  };
  const during = async (): Promise<void> => {
    await eventually('results arrive', async () => (await events()) > 20);
    if (losesResults) {
      group.stopReplication();
      const before = await events();
      await eventually('results arrive that the replica never gets', async () => (await events()) > before + 10);
    }
    redis.disconnect();
    await group.killPrimary();
  };
  const { outcomes, expected, said, exitCode } = await wholeRun(
    { run: group.url, agent: group.url },
    { during, files: FILES, options: isTls ? tlsOptionsOf(certificates) : [] },
  );
  expect(outcomes, said).toEqual(expected);
  expect(exitCode, said).toBe(1);
  expect(said).not.toContain(passwords.server);
  expect(said).not.toContain(passwords.sentinel);
  const now = await connect(group.url, 'test', { tls });
  expect(await now.info('replication')).toContain('role:master');
  expect(await now.keys('{sl:run:*}:spec')).toEqual([]);
  now.disconnect();
});
