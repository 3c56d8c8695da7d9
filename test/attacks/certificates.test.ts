// Keys that a pool key certifies: agents and runs that know only the pool key take what its certificates allow, and nothing else.

import { createPrivateKey } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { CLOCK_TOLERANCE_MS, encodeCertificate, readCertificate } from '../../shared/wire/trust/certificate.ts';
import { startTcpServer } from '../support/redis.ts';
import { said } from '../support/said.ts';
import { environment, newProject, outcomesOf, type Project, program } from '../support/shardline.ts';

const suite = Object.fromEntries(
  Array.from({ length: 4 }, (_, index) => [`test_${index}.py`, 'import time\ndef test_it(): time.sleep(0.3)\n']),
);
const allPassed = Object.fromEntries(Object.keys(suite).map((file) => [`${file}::test_it`, 'passed']));

/** Makes keys with `shardline keygen`, one for each list of arguments. */
async function keygen(project: Project, ...commands: readonly (readonly string[])[]): Promise<void> {
  for (const argv of commands) {
    const { exitCode, all } = await project.shardline(['keygen', ...argv]);
    expect(exitCode, all).toBe(0);
  }
}

const CERTIFIED = ['--certify', 'pool.key'] as const;

test('a run and an agent that trust only the pool key serve each other with certified keys', { timeout: 180_000 }, async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  await keygen(project, ['pool.key', '--pool-key'], ['agent.key', ...CERTIFIED], ['run.key', ...CERTIFIED, '--role', 'coordinator']);
  const redis = { SHARDLINE_REDIS_URL: server.url };
  const trust = ['--trust', 'pool.key.pub'] as const;
  const agent = project.shardline(['agent', '--name', 'far', '-n', '1', '--sign-key', 'agent.key', ...trust], redis);
  try {
    const { exitCode, all } = await project.shardline(['run', '--sign-key', 'run.key', ...trust, '--out', 'out'], redis);
    expect(exitCode, all).toBe(0);
    const report = await project.report();
    expect(outcomesOf(report)).toEqual(allPassed);
    expect(report.rejected).toEqual([]);
    agent.kill('SIGTERM');
    expect((await agent).exitCode).toBe(0);
  } finally {
    agent.kill('SIGKILL');
    await agent;
  }
});

test('a run and an agent warn when their certificates expire before the deadline', { timeout: 180_000 }, async () => {
  await using project = await newProject(suite);
  await using server = await startTcpServer();
  const brief = [...CERTIFIED, '--valid', '5m'] as const;
  await keygen(project, ['pool.key', '--pool-key'], ['agent.key', ...brief], ['run.key', ...brief, '--role', 'coordinator']);
  const redis = { SHARDLINE_REDIS_URL: server.url };
  const trust = ['--trust', 'pool.key.pub'] as const;
  const agent = project.shardline(['agent', '--name', 'far', '-n', '1', '--sign-key', 'agent.key', ...trust], redis);
  try {
    await said(agent, /waiting for runs/);
    const run = await project.shardline(['run', '--deadline', '30m', '--sign-key', 'run.key', ...trust, '--out', 'out'], redis);
    expect(run.exitCode, run.all).toBe(0);
    agent.kill('SIGTERM');
    for (const [name, { stderr }] of [
      ['run.key', run],
      ['agent.key', await agent],
    ] as const) {
      expect(stderr).toMatch(new RegExp(`warning: the certificate \\S*${name}\\.cert expires at \\d{4}-\\S+, before the deadline of `));
      expect(stderr).toMatch(new RegExp(`\`shardline keygen \\S*${name}\\.pub --certify POOL_KEY --valid DURATION\``));
    }
  } finally {
    agent.kill('SIGKILL');
    await agent;
  }
});

test('an agent whose certificate expires during a run without a deadline is quarantined, and the run ends', {
  timeout: 180_000,
}, async () => {
  const slow = Array.from({ length: 8 }, (_, index) => [`test_${index}.py`, 'import time\ndef test_it(): time.sleep(4)\n']);
  await using project = await newProject(Object.fromEntries(slow));
  await using server = await startTcpServer();
  await keygen(project, ['pool.key', '--pool-key'], ['agent.key', ...CERTIFIED], ['run.key']);
  const certificate = readCertificate(await project.read('agent.key.cert'));
  if (certificate === null) throw new Error('keygen wrote no certificate');
  // Long enough for the agent to join. The clock of the run is ahead by as much as clocks may differ.
  const brief = encodeCertificate({ ...certificate, until: Date.now() + 15_000 }, createPrivateKey(await project.read('pool.key')));
  await writeFile(join(project.directory, 'agent.key.cert'), brief);
  const redis = { SHARDLINE_REDIS_URL: server.url };
  const ahead = `const now = Date.now; Date.now = () => now() + ${CLOCK_TOLERANCE_MS};`;
  const agent = project.shardline(['agent', '--name', 'far', '-n', '1', '--sign-key', 'agent.key', '--trust', 'run.key.pub'], redis);
  try {
    await said(agent, /waiting for runs/);
    const argv = ['run', '--sign-key', 'run.key', '--trust', 'pool.key.pub', '--collect', 'file', '--wait-agents', '3s', '--out', 'out'];
    const settings = { ...redis, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(ahead)}` };
    const { exitCode, all } = await project.shardline(argv, settings);
    expect(exitCode, all).toBe(11);
    expect(all).toMatch(/Quarantined agent far\S*: its messages do not count: the certificate of its key \w+ expired at \S+Z\. Re-queued/);
    const report = await project.report();
    expect(report.missingMessages).toEqual([]);
    expect(report.rejected).toMatchObject([{ why: 'expired' }]);
  } finally {
    agent.kill('SIGTERM');
    await agent;
  }
});

describe('is refused and has no effect:', () => {
  test('the key of an agent that starts a run, and one that nobody here has certified', { timeout: 180_000 }, async () => {
    await using project = await newProject(suite);
    await using server = await startTcpServer();
    await keygen(
      project,
      ['pool.key', '--pool-key'],
      ['theirs.key', '--pool-key'],
      ['agent.key', ...CERTIFIED],
      ['stranger.key', '--certify', 'theirs.key', '--role', 'both'],
      ['elsewhere.key', ...CERTIFIED, '--role', 'both', '--pools', 'ci-*'],
    );
    const redis = { SHARDLINE_REDIS_URL: server.url };
    const agent = project.shardline(['agent', '--name', 'far', '-n', '1', '--sign-key', 'agent.key', '--trust', 'pool.key.pub'], redis);
    let printed = '';
    agent.stderr.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
    });
    try {
      await said(agent, /waiting for runs/);
      for (const [name, why] of [
        ['agent.key', 'is not for the role coordinator'],
        ['stranger.key', 'which is no trusted pool key there'],
        ['elsewhere.key', 'is for pool ci-*, not for default'],
      ] as const) {
        const { exitCode, all } = await project.shardline(
          ['run', '--sign-key', name, '--wait-agents', '2s', '--out', `out-${name}`],
          redis,
        );
        expect(exitCode, all).toBe(11);
        expect(printed).toContain(why);
      }
    } finally {
      agent.kill('SIGTERM');
      await agent;
    }
  });

  test('more agents with one certificate than it is for', { timeout: 180_000 }, async () => {
    await using project = await newProject(suite);
    await using server = await startTcpServer();
    await keygen(project, ['pool.key', '--pool-key'], ['agent.key', ...CERTIFIED, '--max-agents', '1'], ['run.key']);
    const redis = { SHARDLINE_REDIS_URL: server.url };
    const agents = ['a', 'b'].map((name) =>
      project.shardline(['agent', '--name', name, '-n', '1', '--sign-key', 'agent.key', '--trust', 'run.key.pub'], redis),
    );
    try {
      await Promise.all(agents.map((agent) => said(agent, /waiting for runs/)));
      const argv = ['run', '--sign-key', 'run.key', '--trust', 'pool.key.pub', '--collect', 'file', '--out', 'out'];
      const { exitCode, all } = await project.shardline(argv, redis);
      expect(exitCode, all).toBe(0);
      const report = await project.report();
      expect(outcomesOf(report)).toEqual(allPassed);
      expect(new Set(report.tests.map(({ attempts }) => attempts[0]?.agent)).size).toBe(1);
      expect(report.rejected).toEqual([expect.objectContaining({ why: 'not-trusted' })]);
    } finally {
      for (const agent of agents) agent.kill('SIGTERM');
      await Promise.all(agents);
    }
  });
});

describe('shardline keygen', () => {
  test('certifies a public key, with the pool key from standard input, and says until when', async () => {
    await using project = await newProject({});
    await keygen(project, ['pool.key', '--pool-key'], ['agent.key']);
    const before = await project.read('agent.key');
    const argv = [...program.slice(1), 'keygen', 'agent.key.pub', '--certify', '-', '--valid', '2h', '--max-agents', '3', '--runs', 'ci-*'];
    const input = await project.read('pool.key');
    const { stdout } = await execa(program[0], argv, { cwd: project.directory, env: environment(), extendEnv: false, input });
    const [wrote, trust] = stdout.split('\n');
    expect(wrote).toMatch(/^Wrote its certificate: agent\.key\.cert, valid until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\.$/);
    expect(trust).toBe("Trust it on the other side: `--trust FILE`, where FILE is the pool key's public file");
    expect(await project.read('agent.key.cert')).toMatch(/\nrun: ci-\*\nroles: agent\n.*\n.*\nagents: 3\n/);
    expect(await project.read('agent.key')).toBe(before);
    expect(await project.read('pool.key.pub')).toMatch(/^Use: certify\n-----BEGIN PUBLIC KEY-----/);
  });

  test('names what is wrong with its options', async () => {
    await using project = await newProject({});
    await keygen(project, ['pool.key', '--pool-key'], ['plain.key']);
    for (const [argv, problem] of [
      [['a.key', '--pool-key', ...CERTIFIED], '--pool-key and --certify cannot be used together'],
      [['a.key', ...CERTIFIED, '--pools', '*x'], '--pools *x is invalid'],
      [['a.key', ...CERTIFIED, '--max-agents', '0'], '--max-agents 0 is invalid'],
      [['a.key', ...CERTIFIED, '--valid', '0'], '--valid'],
      [['a.key', '--certify', 'none.key'], 'Could not use the key'],
      [['a.key', '--certify', 'plain.key'], 'it is no pool key, so it cannot certify other keys'],
      [
        ['a.key', ...CERTIFIED, '--role', 'foo'],
        '--role foo is invalid: expected one of agent, coordinator, both.\nFix: Write for example --role agent.',
      ],
      [['none.pub', ...CERTIFIED], 'Could not use the key'],
      [['a.key', '--role', 'both'], '--certify'],
    ] as const) {
      const { exitCode, all } = await project.shardline(['keygen', ...argv]);
      expect(exitCode, all).toBe(4);
      expect(all).toContain(problem);
      expect(project.holds('a.key')).toBe(false);
    }
  });
});
