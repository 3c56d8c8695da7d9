// Applies exactly the accounts that docs/redis.md prints to real servers: they are enough for a whole run, and the agents' account for nothing else.

import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { joinRun } from '../../agent/redis/joined-run.ts';
import { openLivenessLine } from '../../coordinator/redis/liveness-line.ts';
import { redisPools } from '../../coordinator/redis/pools.ts';
import { agentId, runId } from '../../shared/domain/ids.ts';
import { connect } from '../../shared/redis/connect.ts';
import { agentChannel, coordinatorChannel, groupKeys, poolKeys, runKeys } from '../../shared/redis/keys.ts';
import { NO_VERIFIER } from '../../shared/wire/signature.ts';
import { eventually } from '../support/eventually.ts';
import { serverProgram, startProgram, startTcpServer } from '../support/redis.ts';
import { wholeRun } from '../support/whole-run.ts';
import { opened } from '../unit/core/run-kit.ts';

/** The command that creates each account, as docs/redis.md prints it, for the password `secret`. */
async function accounts(): Promise<ReadonlyMap<string, readonly string[]>> {
  const page = await readFile(new URL('../../docs/redis.md', import.meta.url), 'utf8');
  const lines = [...page.matchAll(/^ACL SETUSER (\S+) (.+)$/gm)];
  return new Map(lines.map(([, name = '', rules = '']) => [name, rules.replace('>PASSWORD', '>secret').split(' ')]));
}

const programs = [
  ['Redis 6.2', serverProgram('redis-6')],
  ['Redis 7', serverProgram('redis-7')],
  ['Valkey 9', serverProgram('valkey-9')],
] as const;

/** What docs/redis.md says of Redis 6.2. */
const forRedis6 = (rules: readonly string[]): readonly string[] => [
  ...rules.filter((rule) => rule !== '-function').map((rule) => rule.replace(/^%RW?~/, '~')),
  ...['+client|setname', '+client|setinfo'],
];

describe.each(programs)('the accounts of docs/redis.md on %s', (name, program) => {
  test.skipIf(program === null)('serve a whole run with two agents, and the server denies nothing', async () => {
    await using server = await startProgram(program ?? '');
    const admin = await connect(server.url, 'admin');
    try {
      for (const [account, rules] of await accounts()) {
        await admin.call('ACL', 'SETUSER', account, ...(name === 'Redis 6.2' ? forRedis6(rules) : rules));
      }
      const urlOf = (account: string): string => server.url.replace('//', `//${account}:secret@`);
      const { outcomes, expected } = await wholeRun({ run: urlOf('shardline-run'), agent: urlOf('shardline-agent') });
      expect(outcomes).toEqual(expected);
      expect(await admin.call('ACL', 'LOG')).toEqual([]);
    } finally {
      admin.disconnect();
    }
  });
});

test.skipIf(programs[1][1] === null)('the account of an agent cannot start, change or end a run', async () => {
  await using server = await startProgram(programs[1][1] ?? '');
  const admin = await connect(server.url, 'admin');
  await admin.call('ACL', 'SETUSER', 'shardline-agent', ...((await accounts()).get('shardline-agent') ?? []));
  const agent = await connect(server.url.replace('//', '//shardline-agent:secret@'), 'agent');
  const run = runKeys(runId('r1'));
  const pool = poolKeys('default');
  try {
    const denied = [
      ...[
        run.spec,
        run.control,
        run.coordinator,
        run.log,
        run.note,
        pool.runs,
        pool.opened,
        pool.timings,
        pool.census,
        pool.units,
        'other',
      ].flatMap((key) => [
        ['DEL', key],
        ['EXPIRE', key, '1'],
        ['EVAL', "return redis.call('DEL', KEYS[1])", '1', key],
        ['EVAL', "return redis.call('DEL', ARGV[1])", '0', key],
      ]),
      ...[run.log, run.note, pool.timings, groupKeys('g').leader].map((key) => ['TYPE', key]),
      ...[['SCAN', '0'], ['RANDOMKEY'], ['KEYS', '*'], ['FLUSHDB'], ['CONFIG', 'GET', '*'], ['SCRIPT', 'FLUSH'], ['FUNCTION', 'LIST']],
      ...[['ACL', 'LIST'], ['CLIENT', 'LIST'], ['MONITOR'], ['PUBLISH', agentChannel('default', agentId('a1')), 'x']],
      ['SUBSCRIBE', coordinatorChannel('line')],
    ];
    for (const [command = '', ...args] of denied) {
      await expect(agent.call(command, ...args), [command, ...args].join(' ')).rejects.toThrow(
        /NOPERM|can't access at least one of the keys/,
      );
    }
    for (const key of [run.spec, run.control, run.coordinator, pool.runs, pool.opened]) expect(await agent.type(key)).toBe('none');
    expect(await agent.eval("return redis.call('HSET', KEYS[1], 'a', 'b')", 1, run.coverage)).toBe(1);
  } finally {
    agent.disconnect();
    admin.disconnect();
  }
});

test('an agent that may not read the units of its pool, or cannot parse them, says so once', async () => {
  await using server = await startTcpServer();
  const admin = await connect(server.url, 'admin');
  const rules = ((await accounts()).get('shardline-agent') ?? []).filter((rule) => !rule.endsWith(':units'));
  await admin.call('ACL', 'SETUSER', 'shardline-agent', ...rules);
  const { units } = poolKeys('p1');
  const problems: unknown[] = [];
  const member = { pool: 'p1', runId: runId('r1'), unitsIn: 'p1', signer: null, verifier: NO_VERIFIER };
  const [limited, full] = await Promise.all([
    connect(server.url.replace('//', '//shardline-agent:secret@'), 'agent'),
    connect(server.url, 'agent'),
  ]);
  try {
    const [one, two] = await Promise.all([
      joinRun({ ...member, redis: limited, agent: agentId('a1'), warn: (problem) => problems.push(problem) }),
      joinRun({ ...member, redis: full, agent: agentId('a2'), warn: (problem) => problems.push(problem) }),
    ]);
    expect((await two.leasedUnits())?.granted.size).toBe(0);
    await admin.hset(units, 'r1', '{');
    for (const run of [one, one, two, two]) {
      await expect(run.leasedUnits()).rejects.toMatchObject({ code: 'units-unreadable', values: { key: units, runId: 'r1' } });
    }
    expect(problems).toMatchObject([{ code: 'units-unreadable' }, { code: 'units-unreadable' }]);
    await Promise.all([one.leave(), two.leave()]);
  } finally {
    for (const redis of [admin, limited, full]) redis.disconnect();
  }
});

test.each([
  ['may not subscribe', '-@pubsub'],
  ['may not count subscribers', '-pubsub'],
])('with an account that %s, a lease is taken over only once it has expired', async (_, missing) => {
  await using server = await startTcpServer();
  const admin = await connect(server.url, 'admin');
  await admin.call('ACL', 'SETUSER', 'shardline', 'on', '>secret', '~*', '&*', '+@all', missing);
  const closing: (() => void)[] = [() => admin.disconnect()];
  try {
    const url = server.url.replace('//', '//shardline:secret@');
    const [one, two] = [await connect(url, 'one'), await connect(url, 'two')];
    const lines = [openLivenessLine(one), openLivenessLine(two)] as const;
    closing.push(...lines.map(({ close }) => close), ...[one, two].map((redis) => () => redis.disconnect()));
    const spec = { ...opened([]).spec, runId: runId('r1'), pool: 'p1' };
    const old = await redisPools(one, { line: lines[0] }).openRun(spec);
    let isWaiting = false;
    const opening = redisPools(two, { line: lines[1] }).openRun(spec, {
      onWait: () => {
        isWaiting = true;
      },
    });
    await eventually('the lease is waited for', () => isWaiting);
    expect((await old.presence()).kind).toBe('here');
    await admin.hset(runKeys(spec.runId).coordinator, 'expires', 1);
    const next = await opening;
    await expect(old.confirm()).rejects.toMatchObject({ code: 'taken-over' });
    await next.close();
    await old.close().catch(() => undefined);
  } finally {
    for (const close of closing) close();
  }
});
