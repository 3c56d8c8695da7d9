// A run log in Redis that somebody changed: a command that resumes the run writes no file and passes no argument of that choice.

import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runId } from '../../shared/domain/ids.ts';
import { connect } from '../../shared/redis/connect.ts';
import { runKeys } from '../../shared/redis/keys.ts';
import { startTcpServer } from '../support/redis.ts';
import { said } from '../support/said.ts';
import { newProject, type Project } from '../support/shardline.ts';

const body = 'import time\ndef test_x(): time.sleep(0.2)\ndef test_y(): time.sleep(0.2)\n';
const suite = {
  'pytest.ini': '[pytest]\naddopts = --junitxml=reports/junit.xml\n',
  ...Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`test_${index}.py`, body])),
};

test('--resume refuses a forged log in Redis that names files elsewhere or foreign arguments, and takes an honest one', {
  timeout: 180_000,
}, async () => {
  await using project = await newProject(suite);
  await using elsewhere = await newProject(suite);
  await using server = await startTcpServer();
  const outside = await mkdtemp(join(tmpdir(), 'shardline-test-outside-'));
  const redis = await connect(server.url, 'attacker');
  try {
    await symlink(outside, join(elsewhere.directory, 'link'));
    await symlink(join(outside, 'new'), join(elsewhere.directory, 'nowhere'));
    const settings = { SHARDLINE_REDIS_URL: server.url };
    const local = ['--agents', '1', '-n', '1'] as const;
    const first = project.shardline(['run', '--verbose', ...local, '--out', 'a'], settings);
    const id = runId((await said(first, /Run (\S+):[\s\S]*PASSED[\s\S]*PASSED/))[1] ?? '');
    first.kill('SIGKILL');
    await first;
    const { log } = runKeys(id);
    const entries = await redis.xrange(log, '-', '+');
    /** Writes the log again, with another opening of the run. */
    const forge = async (change: Readonly<Record<string, unknown>>): Promise<void> => {
      const commands = redis.multi().del(log);
      for (const [entry, [, epoch = '', , own = '', , position = '']] of entries)
        commands.xadd(log, entry, 'epoch', epoch, 'own', entry.startsWith('1-') ? changed(own, change) : own, 'position', position);
      await commands.exec();
    };
    // The same server by an address that counts as one on the network.
    const network = { SHARDLINE_REDIS_URL: server.url.replace('127.0.0.1', '0.0.0.0') };
    const resume = (...argv: string[]) => elsewhere.shardline(['run', '--resume', id, ...local, '--out', 'b', ...argv], network);
    const coverage = { source: null, config: '.coveragerc', branch: null, append: false, failUnder: null, precision: 0, notOnFail: false };
    const cache = { directory: '.pytest_cache', stepwise: null, pytest: '9.0.0', files: [] };
    const attacks = [
      { junitXml: join(outside, 'junit.xml') },
      { junitXml: 'link/junit.xml' },
      { junitXml: 'nowhere' },
      { junitXml: '../junit.xml' },
      { cache: { ...cache, directory: join(outside, 'cache') } },
      { coverage: { ...coverage, reports: { xml: join(outside, 'coverage.xml') } } },
      { coverage: { ...coverage, reports: { html: '~/html' } } },
      { coverage: { ...coverage, reports: {}, config: join(outside, 'coveragerc') } },
      { coverage: { ...coverage, reports: {}, source: [outside] } },
      { pytestArgs: ['-p', 'evil'] },
      { pytestArgs: [join(outside, 'test_evil.py')] },
    ];
    for (const attack of attacks) {
      await forge(attack);
      const { exitCode, stderr } = await resume();
      expect(exitCode, `${JSON.stringify(attack)}\n${stderr}`).toBe(4);
      expect(stderr).toContain(`Could not resume run ${id} from its log in Redis: its `);
      expect(stderr).toContain('add --trust-arguments');
      expect(existsSync(join(elsewhere.directory, 'b')), stderr).toBe(false);
    }
    expect(await readdir(outside)).toEqual([]);
    await forge({});
    const { exitCode, all } = await resume();
    expect(exitCode, all).toBe(0);
    // The files are those of the machine that resumed the run.
    // pytest's listing writes the file too, without tests.
    const testsIn = async (each: Project) =>
      (await readFile(join(each.directory, 'reports', 'junit.xml'), 'utf8')).match(/<testcase/g)?.length;
    expect(await testsIn(elsewhere)).toBe(16);
    expect(await testsIn(project)).toBeUndefined();
    expect(existsSync(join(elsewhere.directory, '.pytest_cache', 'v', 'cache', 'nodeids'))).toBe(true);
  } finally {
    redis.disconnect();
    await rm(outside, { recursive: true });
  }
});

/** The record of a run's opening with other fields. */
function changed(own: string, { pytestArgs, ...change }: Readonly<Record<string, unknown>>): string {
  const envelope = JSON.parse(own);
  const opening = JSON.parse(envelope.body);
  const spec = pytestArgs === undefined ? opening.spec : { ...opening.spec, pytestArgs };
  return JSON.stringify({ ...envelope, body: JSON.stringify({ ...opening, ...change, spec }) });
}
