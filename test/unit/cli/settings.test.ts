// Reads settings from the command line, the environment and pyproject.toml, or reports all mistakes together.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readArguments } from '../../../cli/arguments.ts';
import { loadSettings } from '../../../cli/load-settings.ts';
import { optionsOf } from '../../../cli/options.ts';
import { ShardlineError } from '../../../shared/errors.ts';
import type { AgentSettings, RunSettings, Settings } from '../../../shared/settings/settings.ts';
import { parseSelected, readSelected } from '../../../shared/system/selected.ts';
import { parseBytes } from '../../../shared/text/bytes.ts';
import { parseDuration } from '../../../shared/text/duration.ts';

let workspace = '';
beforeAll(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'shardline-test-cli-'));
});
afterAll(() => rm(workspace, { recursive: true, force: true }));

const silent = { write: () => true };

async function load(argv: readonly string[], env: Record<string, string> = {}, toml = ''): Promise<Settings> {
  await writeFile(join(workspace, 'pyproject.toml'), toml);
  const given = readArguments(argv, '1.2.3', silent);
  if (given === null) throw new Error('nothing was given');
  return loadSettings(given, { env, cwd: workspace, pip: null });
}
const run = async (argv: readonly string[], env: Record<string, string> = {}, toml = ''): Promise<RunSettings> => {
  const settings = await load(['run', ...argv], env, toml);
  if (settings.command !== 'run') throw new Error('not a run');
  return settings;
};
const agent = async (argv: readonly string[], env: Record<string, string> = {}, toml = ''): Promise<AgentSettings> => {
  const settings = await load(['agent', ...argv], env, toml);
  if (settings.command !== 'agent') throw new Error('not an agent');
  return settings;
};

/** The messages of all errors, in order. */
async function mistakes(loading: Promise<unknown>): Promise<string[]> {
  const thrown: unknown = await loading.then(
    () => null,
    (reason: unknown) => reason,
  );
  const errors: unknown[] = thrown instanceof AggregateError ? thrown.errors : [thrown];
  return errors.map((error) => {
    if (!(error instanceof ShardlineError)) throw error;
    expect(error.exitCode).toBe(4);
    return error.message;
  });
}

describe('settings', () => {
  test('sets of patterns are separated by semicolons, or are entries of a list', async () => {
    const sets = [['a/**'], ['b/{x,y}.py', 'c.py']];
    expect((await run(['--shard-together', 'a/** ; b/{x,y}.py c.py;'])).shardTogether).toEqual(sets);
    expect((await run([], {}, '[tool.shardline]\nshard-together = ["a/**", "b/{x,y}.py c.py"]\n')).shardTogether).toEqual(sets);
    expect((await run([])).shardTogether).toEqual([]);
    expect(await mistakes(run([], {}, '[tool.shardline]\nshard-together = [1]\npool = ["a"]\n'))).toHaveLength(2);
  });

  test('a run is resumed from a log, and served by an agent, with any argument unless others may write to its Redis', async () => {
    const cases = [
      ['redis://localhost:6379', 'any'],
      ['redis://127.0.0.2:6379', 'any'],
      ['unix:///run/redis.sock', 'any'],
      ['redis://cache.example:6379', 'safe'],
      ['redis+sentinel://10.0.0.1:26379/main', 'safe'],
    ] as const;
    for (const [url, accepted] of cases) {
      expect((await agent(['--redis', url])).acceptArgs, url).toBe(accepted);
      expect((await run(['--redis', url, '--resume', 'r1'])).trustsLog, url).toBe(accepted === 'any');
    }
    expect((await run(['--resume', 'r1'])).trustsLog).toBe(true);
    expect((await run(['--redis', 'redis://cache.example', '--resume', 'r1', '--trust-arguments'])).trustsLog).toBe(true);
  });

  test('refuses options of an agent that have no effect, and zero where at least one is needed', async () => {
    const redis = ['--redis', 'redis://h'];
    const cases = [
      [['--drain', 'a1', '--drain-timeout', '3s'], '--drain-timeout has no effect with --drain'],
      [['--drain', 'a1', '--label', 'gpu'], '--label has no effect with --drain'],
      [['--drain', 'a b'], 'Name an agent that `shardline status` lists.'],
      [['--prepare', 'make'], '--prepare has no effect without --source git'],
      [['--max-runs', '0'], '--max-runs 0 is invalid: expected a whole number, 1 or more'],
    ] as const;
    for (const [argv, problem] of cases) expect(await mistakes(agent([...redis, ...argv]))).toEqual([expect.stringContaining(problem)]);
    const drain = ['--drain', 'a1', '--pool', 'p', '--sign-key', 'k', '--log-level', 'info'];
    expect((await agent([...redis, ...drain])).drain).toBe('a1');
    expect(await mistakes(run([...redis, '--label', 'gpu']))).toEqual([expect.stringContaining('--label has no effect')]);
  });

  test('labels may be repeated, or be a list in pyproject.toml', async () => {
    const redis = ['--redis', 'redis://h'];
    expect((await agent([...redis, '--label', 'gpu', '--label', 'big', '--label', 'gpu'])).labels).toEqual(['big', 'gpu']);
    expect((await agent(redis, { SHARDLINE_LABEL: 'gpu big' })).labels).toEqual(['big', 'gpu']);
    expect((await run([], {}, '[tool.shardline]\nlabel = ["gpu", "big"]\n')).labels).toEqual(['big', 'gpu']);
    expect(await mistakes(agent([...redis, '--label', 'a,b']))).toHaveLength(1);
    expect(await mistakes(agent([...redis, '--label', '']))).toEqual([
      expect.stringContaining('--label  is invalid: expected labels of 1 to 64'),
    ]);
    const many = (count: number): string => Array.from({ length: count }, (_, index) => `l${index}`).join(' ');
    expect((await agent([...redis, '--label', `${many(50)} l0`])).labels).toHaveLength(50);
    expect(await mistakes(agent([...redis, '--label', many(51)]))).toEqual([expect.stringContaining('expected at most 50 labels')]);
  });

  test('resources are limits, or limits with the files that need one', async () => {
    const rules = [
      { name: 'db', limit: 2, tests: ['tests/db/**'] },
      { name: 'licence', limit: 5, tests: [] },
    ];
    const table = '[tool.shardline.resources]\ndb = { limit = 2, tests = ["tests/db/**"] }\nlicence = 5\n';
    expect((await run([], {}, table)).resources).toEqual(rules);
    expect((await run(['--resources', 'db=2 licence=5'])).resources).toEqual(rules.map((rule) => ({ ...rule, tests: [] })));
    for (const wrong of ['db', 'db=0', '=2', 'db=two', '{']) expect(await mistakes(run(['--resources', wrong]))).toHaveLength(1);
    for (const wrong of ['db = 0', 'db = "two"', 'db = { limits = 2 }', 'db = { tests = 3 }'])
      expect(await mistakes(run([], {}, `[tool.shardline.resources]\n${wrong}\n`))).toHaveLength(1);
  });

  test('an agent that checks out commits names the repositories that it may fetch from', async () => {
    const redis = ['--redis', 'redis://127.0.0.1', '--source', 'git'];
    const both = ['https://git.example/a.git', 'https://git.example/team/*'];
    expect((await agent([...redis, ...both.flatMap((each) => ['--allow-repository', each])])).allowedRepositories).toEqual(both);
    const toml = `[tool.shardline]\nallow-repository = ${JSON.stringify(both)}\n`;
    expect((await agent(redis, {}, toml)).allowedRepositories).toEqual(both);
    expect((await agent(redis, { SHARDLINE_ALLOW_REPOSITORY: both.join(' ') })).allowedRepositories).toEqual(both);
    expect(await mistakes(agent(redis))).toEqual([expect.stringContaining('--source git needs --allow-repository')]);
    expect(await mistakes(agent([...redis, '--allow-repository', 'https://*']))).toEqual([
      expect.stringContaining('https://* is no repository'),
    ]);
    const refused = [...redis, '--allow-repository', 'https://git.example/*', '--run-as', 'tests'];
    expect(await mistakes(agent(refused))).toEqual([expect.stringContaining('--source git and --run-as exclude each other')]);
    // A run starts its own agents in its own workspace, also where pyproject.toml is that of a fleet.
    expect((await agent(['--owned', '--redis', 'redis://127.0.0.1'], {}, '[tool.shardline]\nsource = "git"\n')).source).toBe('git');
  });

  test('have defaults', async () => {
    expect(await run([])).toMatchObject({
      paths: [],
      agents: null,
      numprocesses: 'auto',
      redis: null,
      pool: 'default',
      maxfail: null,
      workspace,
    });
    expect(await run([])).toMatchObject({
      waitAgentsSeconds: 60,
      workerBytes: 300_000_000,
      verbosity: 'normal',
      logLevel: 'silent',
      collect: 'auto',
    });
    expect(await run(['--log-file', 'log'])).toMatchObject({ logLevel: 'info', logFile: join(workspace, 'log') });
    expect(await run(['--log-file', 'log', '--log-level', 'debug'])).toMatchObject({ logLevel: 'debug' });
  });

  test('limit the memory and the files of an xdist worker, and choose when reports are relayed', async () => {
    expect(await run([])).toMatchObject({ relay: 'auto', maxWorkerBytes: 0, maxWorkerFiles: 0 });
    const toml = '[tool.shardline]\nmax-worker-memory = "1.5GiB"\nrelay = "never"\n';
    const settings = await run(['--max-worker-files', '200'], { SHARDLINE_RELAY: 'always' }, toml);
    expect(settings).toMatchObject({ relay: 'always', maxWorkerBytes: 1.5 * 1024 ** 3, maxWorkerFiles: 200 });
    expect(await mistakes(run(['--relay', 'alway', '--max-worker-memory', 'much']))).toEqual([
      expect.stringContaining('always'),
      expect.stringContaining('--max-worker-memory much is invalid: expected a size.'),
    ]);
  });

  test('options of pytest-cov go to pytest with their values, wherever they are on the command line', async () => {
    const given = ['--cov', 'pkg', '--agents', '2', '--cov-report', 'xml:c.xml', '--cov-fail-under=80', '--cov-branch', 'tests', '--cov'];
    expect(await run([...given, '--', '-k', 'x'])).toMatchObject({
      agents: 2,
      paths: ['tests'],
      pytestArgs: ['--cov', 'pkg', '--cov-report', 'xml:c.xml', '--cov-fail-under=80', '--cov-branch', '--cov', '-k', 'x'],
    });
    expect(await mistakes(run(['--coverage']))).toEqual([expect.stringContaining('There is no option --coverage')]);
    expect(await mistakes(agent(['--redis', 'redis://h', '--cov=pkg']))).toEqual([expect.stringContaining('There is no option --cov.')]);
  });

  test('on the command line override the environment, which overrides pyproject.toml', async () => {
    const toml = '[tool.shardline]\nagents = 1\npool = "toml"\nwait-agents = "2m"\n';
    const env = { SHARDLINE_AGENTS: '2', SHARDLINE_POOL: 'env' };
    expect(await run(['--agents', '3'], env, toml)).toMatchObject({ agents: 3, pool: 'env', waitAgentsSeconds: 120 });
  });

  test('turn on GitHub output in GitHub Actions, unless the github option is set', async () => {
    expect((await run([])).github).toBe(false);
    expect((await run([], { GITHUB_ACTIONS: 'true' })).github).toBe(true);
    expect((await run([], { GITHUB_ACTIONS: 'true' }, '[tool.shardline]\ngithub = false\n')).github).toBe(false);
    expect((await run(['--github'])).github).toBe(true);
  });

  test('a report reads only the command line', async () => {
    const report = await load(
      ['report', 'out'],
      { SHARDLINE_JSON: 'j.json', GITHUB_ACTIONS: 'true' },
      '[tool.shardline]\njunit-xml = "j.xml"\n',
    );
    expect(report).toMatchObject({ command: 'report', sources: ['out'], github: false, copies: { json: null, junitXml: null } });
    expect(await mistakes(load(['report', 'out', '--', '-x']))).toEqual([expect.stringContaining('takes no pytest arguments')]);
  });

  test('resolve relative paths, but keep the name of a Python command', async () => {
    const settings = await run(['--out', 'o'], { SHARDLINE_JSON: 'j.json' }, '[tool.shardline]\ntimings = "t.json"\n');
    expect(settings).toMatchObject({
      out: join(workspace, 'o'),
      copies: { json: join(workspace, 'j.json') },
      timings: join(workspace, 't.json'),
    });
    expect(await run(['--python', 'python3.12'])).toMatchObject({ python: 'python3.12' });
    expect(await run(['--python', 'v/bin/python'])).toMatchObject({ python: join(workspace, 'v/bin/python') });
  });

  test('everything after -- goes to pytest unchanged', async () => {
    const settings = await run(['tests/', '-x', '--', '-k', 'not slow', '--agents', '--', 'x']);
    expect(settings).toMatchObject({ paths: ['tests/'], maxfail: 1, pytestArgs: ['-k', 'not slow', '--agents', '--', 'x'] });
  });

  test('an agent ignores settings of runs, and requires a Redis', async () => {
    const toml = '[tool.shardline]\nagents = 4\npool = "p"\n';
    expect(await agent(['--redis', 'redis://h:1'], {}, toml)).toMatchObject({ redis: 'redis://h:1', pool: 'p', once: false, run: null });
    expect(await agent([], { SHARDLINE_REDIS_URL: 'unix:///s' })).toMatchObject({ redis: 'unix:///s' });
    expect(await mistakes(agent([]))).toEqual([expect.stringContaining('SHARDLINE_REDIS_URL')]);
  });

  test('a run to cancel must be named, and a replay takes the newest run', async () => {
    const redis = ['--redis', 'redis://h'];
    expect(await mistakes(load(['cancel', ...redis]))).toEqual([expect.stringMatching(/^Name the run to cancel\.\nFix: /)]);
    expect(await mistakes(load(['cancel', 'a', 'b', ...redis]))).toEqual([expect.stringContaining('takes one run, but got 2.')]);
    expect(await mistakes(load(['replay', 'a', 'b']))).toEqual([expect.stringContaining('takes one run, but got 2.')]);
    expect(await load(['replay'])).toMatchObject({ source: null });
  });

  test('all mistakes in all sources are reported together', async () => {
    const toml = '[tool.shardline]\nagnets = 2\npool = "a b"\n';
    const told = await mistakes(
      run(['--agents', 'many', '--wait-agents', 'soon', '--otu', 'x'], { SHARDLINE_QUIT: '1', SHARDLINE_REDIS_URL: 'http://h' }, toml),
    );
    expect(told).toHaveLength(7);
    expect(told.join('\n')).toMatch(/no option --otu[\s\S]*Did you mean --out\?/);
    expect(told.join('\n')).toMatch(/SHARDLINE_QUIT[\s\S]*Did you mean SHARDLINE_QUIET\?/);
    expect(told.join('\n')).toMatch(/no key agnets[\s\S]*Did you mean agents\?/);
    for (const wrong of ['--agents many', '--wait-agents soon', 'pool = a b', 'SHARDLINE_REDIS_URL='])
      expect(told.join('\n')).toContain(wrong);
  });

  test('an empty environment variable counts as unset', async () => {
    const toml = '[tool.shardline]\nagents = 4\ngithub = true\n';
    const env = { SHARDLINE_REDIS_URL: '', SHARDLINE_AGENTS: '', SHARDLINE_OUT: ' ', SHARDLINE_GITHUB: '' };
    expect(await run([], env, toml)).toMatchObject({ redis: null, agents: 4, out: null, github: true });
    expect(await mistakes(agent([], env))).toEqual([expect.stringContaining('SHARDLINE_REDIS_URL is empty.')]);
    expect(await mistakes(run(['--redis', '']))).toEqual([
      expect.stringContaining('--redis … is invalid: expected a Redis URL, but it is empty.'),
    ]);
  });

  test('no error shows a secret, whichever source it comes from', async () => {
    const url = 'redis://user:s3cret%@host';
    const told = [
      ...(await mistakes(run(['--redis', url]))),
      ...(await mistakes(run([], { SHARDLINE_REDIS_URL: url }))),
      ...(await mistakes(run([], {}, `[tool.shardline]\nredis = "${url}"\n`))),
      ...(await mistakes(load(['serve', '--redis', 'redis://h', '--token', 's3cret/']))),
    ];
    expect(told).toHaveLength(4);
    expect(told.join('\n')).not.toContain('s3cret');
  });

  test('a missing workspace and an invalid pyproject.toml are errors', async () => {
    expect(await mistakes(run(['--workspace', 'nowhere']))).toEqual([expect.stringContaining('nowhere')]);
    expect(await mistakes(run([], {}, '[tool'))).toEqual([expect.stringContaining('not valid TOML')]);
    expect(await mistakes(run([], {}, '[tool.shardline]\nagents = [1]\n'))).toEqual([expect.stringContaining('agents')]);
  });

  test('environment variables of the tests are not settings', async () => {
    expect(await run([], { SHARDLINE_TEST_PYTHON: 'p', SHARDLINE_NEED_DOCKER: '1', SHARDLINE_WORKER: '3', OTHER: 'x' })).toMatchObject({
      command: 'run',
    });
  });
});

describe('the command line', () => {
  const help = (...argv: string[]): string => {
    let said = '';
    readArguments(argv, '1.2.3', { write: (text) => (said += text) });
    return said;
  };

  test('help lists every option of a command, except those that runs use for their own agents', () => {
    for (const command of ['run', 'agent'] as const) {
      for (const option of optionsOf(command))
        expect(help(command, '--help').includes(`--${option.name} `), option.name).toBe(!option.isHidden);
    }
    expect(help('--help')).toContain('agent');
    expect(help('--version')).toBe('1.2.3\n');
  });

  test('names the fix for a missing command, an unknown command and a missing value', () => {
    expect(() => readArguments([], '1', silent)).toThrow(/No command was given[\s\S]*shardline run/);
    expect(() => readArguments(['rnu'], '1', silent)).toThrow(/no command rnu[\s\S]*Did you mean run\?/);
    expect(() => readArguments(['run', '--agents'], '1', silent)).toThrow(
      /--agents needs a value: --agents N\nFix: `shardline run --help`/,
    );
  });
});

test('run --help groups its options under headings', () => {
  let said = '';
  readArguments(['run', '--help'], '1', { write: (text) => (said += text) });
  const headings = [...said.matchAll(/^([A-Z][\w ]+):$/gm)].map(([, heading]) => heading);
  expect(headings).toEqual([
    ...['Arguments', 'What to run', 'How to run', 'Agents and workers', 'Sharding and order', 'Redis', 'Trust', 'Time limits'],
    ...['Failures and flaky tests', 'Reports', 'Output'],
  ]);
});

describe("pytest's options before --", () => {
  test('are refused, and the fix is the same command with them after --', async () => {
    expect(await mistakes(run(['tests', '-k', 'not slow', '--agents', '2']))).toEqual([
      "-k is an option of pytest. Options of pytest go after --.\nFix: Run `shardline run tests --agents 2 -- -k 'not slow'`.",
    ]);
    expect(await mistakes(run(['--lf', '--', '--tb=short']))).toEqual([
      expect.stringContaining('Fix: Run `shardline run -- --lf --tb=short`.'),
    ]);
    expect(await mistakes(load(['report', 'out', '-k', 'x']))).toEqual([expect.stringContaining('There is no option -k.')]);
  });

  test('a flag with a value is not reported as an unknown flag', async () => {
    expect(await mistakes(run(['--failed=x']))).toEqual(['--failed takes no value, but got: --failed=x\nFix: Write --failed alone.']);
  });
});

describe('--agents', () => {
  test('0 needs a Redis that other agents can reach', async () => {
    expect(await mistakes(run(['--agents', '0']))).toEqual([
      expect.stringMatching(/^--agents 0 starts no agent, .*\nFix: Start one with --agents 1, or .* --redis redis:/),
    ]);
    expect(await run(['--agents', '0', '--redis', 'redis://h'])).toMatchObject({ agents: 0 });
    expect(await mistakes(run(['--redis', 'redis://h', '--redis-ca', 'ca', '--redis-cert', 'c']))).toEqual([
      expect.stringMatching(/^--redis-cert and --redis-key belong together\.\nFix: /),
      expect.stringMatching(/^--redis-ca needs a connection with TLS, .* redis:\/\/\.\nFix: Write rediss:/),
    ]);
    expect(
      await run(['--redis', 'rediss://h', '--redis-ca', '/ca'], { SHARDLINE_REDIS_CERT: '/c', SHARDLINE_REDIS_KEY: '/k' }),
    ).toMatchObject({
      redisTls: { ca: '/ca', cert: '/c', key: '/k' },
    });
  });

  test('-n needs an agent that the run starts', async () => {
    expect(await mistakes(run(['-n', '4', '--redis', 'redis://h']))).toEqual([
      'This run starts no agent, so -n has no effect: its agents run elsewhere.\nFix: Run `shardline agent -n 4`, or let the run start an agent with --agents 1.',
    ]);
    expect(await run(['-n', '4', '--agents', '1', '--redis', 'redis://h'])).toMatchObject({ agents: 1, numprocesses: '4' });
  });

  test('refuses a number below 0', async () => {
    expect(await mistakes(run(['--agents', '-1']))).toEqual([
      '--agents -1 is invalid: expected a whole number, 0 or more.\nFix: Write for example --agents 2.',
    ]);
  });
});

describe('--failed', () => {
  test('works with paths and a baseline, but not with --selected or --resume', async () => {
    expect(await run(['--failed', 'tests', '--baseline', 'out'])).toMatchObject({ failed: true, paths: ['tests'], selected: null });
    expect(await run([])).toMatchObject({ failed: false });
    expect(await mistakes(run(['--failed', '--selected', '-']))).toHaveLength(1);
    expect(await mistakes(run(['--failed', '--resume', 'r1']))).toHaveLength(1);
  });
});

describe('a list of selected tests', () => {
  test('has one entry per line, and comments', () => {
    expect(parseSelected('\uFEFFa.py\r\n\n  # no\n b.py::test[x # y]\n')).toEqual(['a.py', 'b.py::test[x # y]']);
  });

  test('is read from standard input, and must not be missing, empty or contain options', async () => {
    expect(await readSelected('-', Readable.from(['a.py\n', 'b.py']))).toEqual(['a.py', 'b.py']);
    for (const [path, content] of [
      ['/nowhere', ''],
      ['-', '# nothing\n'],
      ['-', '--rootdir=/\n'],
    ] as const) {
      await expect(readSelected(path, Readable.from([content]))).rejects.toMatchObject({ code: 'bad-selected-file' });
    }
  });
});

describe('values', () => {
  test('reads durations with their units, and refuses anything else', () => {
    const cases = {
      '90s': 90,
      '5m': 300,
      '1m30s': 90,
      '300': 300,
      '500ms': 0.5,
      '1.5h': 5400,
      '': null,
      s: null,
      '5 m': null,
      '-1s': null,
      '1d': null,
    };
    for (const [text, seconds] of Object.entries(cases)) expect(parseDuration(text), text).toBe(seconds);
  });

  test('reads sizes with their units, and refuses anything else', () => {
    const cases = { '300MB': 3e8, '1GiB': 2 ** 30, '1024': 1024, '1.5kb': 1500, '0': null, '': null, MB: null, '-1': null };
    for (const [text, bytes] of Object.entries(cases)) expect(parseBytes(text), text).toBe(bytes);
  });
});

test('a command says that it believes everyone on the network, unless it verifies or was told not to', async () => {
  const far = ['--redis', 'redis://redis.example:6379'];
  const trusts = async (...argv: readonly string[]) => [(await run(argv)).trustsNetwork, (await agent(argv)).trustsNetwork];
  expect(await trusts(...far)).toEqual([true, true]);
  for (const more of [
    ['--trust', 'keys'],
    ['--verify', 'off'],
    ['--verify', 'warn'],
  ])
    expect(await trusts(...far, ...more)).toEqual([false, false]);
  for (const near of ['redis://localhost:6379', 'redis://127.0.0.1', 'unix:///run/redis.sock'])
    expect(await trusts('--redis', near)).toEqual([false, false]);
  expect((await run([])).trustsNetwork).toBe(false);
});
