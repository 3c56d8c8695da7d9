// `shardline run` with real Redis, real pytest and real agents.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { eventually, isRunning } from '../support/eventually.ts';
import { recordedEvents } from '../support/recorded-events.ts';
import { startTcpServer } from '../support/redis.ts';
import { environment, newProject, outcomesOf, program } from '../support/shardline.ts';

const out = ['--out', 'out'];

test('a failing test exits 1, with its traceback in the terminal, junit.xml and report.json', async () => {
  await using project = await newProject({ 'tests/test_a.py': 'def test_ok(): pass\n\ndef test_bad():\n    x = 41\n    assert x == 42\n' });
  const result = await project.shardline(['run', 'tests', ...out]);
  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain('assert 41 == 42');
  expect(result.stdout.trimEnd().split('\n').at(-1)).toMatch(/^failed: 1 failed, 1 passed in .* exit 1$/);
  expect(await project.read('out/junit.xml')).toContain('assert 41 == 42');
  const report = await project.report();
  expect(outcomesOf(report)).toEqual({ 'tests/test_a.py::test_ok': 'passed', 'tests/test_a.py::test_bad': 'failed' });
  expect(report.tests.find(({ outcome }) => outcome === 'failed')?.attempts[0]?.message).toContain('assert 41 == 42');
  expect(report.exitCode).toBe(1);
});

test('a broken import exits 1, and the other files still run', async () => {
  await using project = await newProject({ 'test_broken.py': 'import nothing_of_that_name\n', 'test_fine.py': 'def test_ok(): pass\n' });
  const result = await project.shardline(['run', ...out]);
  expect(result.exitCode).toBe(1);
  const report = await project.report();
  expect(outcomesOf(report)).toEqual({ 'test_fine.py::test_ok': 'passed' });
  expect(report.collectErrors).toEqual([
    { file: 'test_broken.py', nodeid: 'test_broken.py', message: expect.stringContaining('nothing_of_that_name') },
  ]);
  expect(result.stdout).toContain('ERROR collecting test_broken.py');
});

test('a session fixture that fails in its teardown exits 1', async () => {
  await using project = await newProject({
    'conftest.py':
      'import pytest, time\n@pytest.fixture(scope="session")\ndef base():\n    yield\n    time.sleep(1.5)\n    raise RuntimeError("left behind")\n',
    'test_a.py': 'def test_ok(base): pass\n',
  });
  const result = await project.shardline(['run', ...out]);
  expect(result.exitCode).toBe(1);
  const report = await project.report();
  expect(outcomesOf(report)).toEqual({ 'test_a.py::test_ok': 'error' });
  expect(report.tests[0]?.attempts[0]?.message).toContain('left behind');
});

test('a hook that sets a failing pytest exit code makes the run exit 1', async () => {
  await using project = await newProject({
    'conftest.py': 'def pytest_sessionfinish(session, exitstatus):\n    if exitstatus == 0: session.exitstatus = 7\n',
    'test_a.py': 'def test_ok(): pass\n',
  });
  const result = await project.shardline(['run', ...out]);
  expect(result.exitCode).toBe(1);
  expect(result.stdout).toMatch(/^ERROR at the end of pytest on a1 - pytest's session ended with exit code 7, by a hook of the suite/m);
  expect(outcomesOf(await project.report())).toEqual({ 'test_a.py::test_ok': 'passed' });
});

test('a run without tests exits 5', async () => {
  await using project = await newProject({ 'readme.txt': '' });
  const result = await project.shardline(['run', ...out]);
  expect(result.exitCode).toBe(5);
  expect((await project.report()).verdict).toBe('no-tests');
});

test('bad options and missing paths exit 4 with a fix and no stack trace', async () => {
  await using project = await newProject({ 'test_a.py': 'def test_ok(): pass\n' });
  const bad = await project.shardline(['run', '--agnets', '2', '--wait-agents', 'soon']);
  expect(bad.exitCode).toBe(4);
  expect(bad.stderr).toContain('Did you mean --agents?');
  expect(bad.stderr).toContain('--wait-agents soon');
  const missing = await project.shardline(['run', 'nowhere', ...out]);
  expect(missing.exitCode).toBe(4);
  expect(missing.stderr).toContain('nowhere');
  const nothing = await project.shardline(['run', '--python', './no-python', '--redis', 'redis://127.0.0.1:1', ...out]);
  expect(nothing.exitCode).toBe(4);
  expect(nothing.stderr).toMatch(/Could not start the Python interpreter \S*no-python: no such file or directory\./);
  expect(nothing.stderr).toMatch(/Could not connect to Redis at redis:\/\/127\.0\.0\.1:1: connection refused/);
  const expression = await project.shardline(['run', ...out, '--', '-k', 'this and']);
  expect([expression.exitCode, expression.stderr]).toEqual([4, expect.stringContaining("Wrong expression passed to '-k': this and")]);
  expect(expression.stderr).toMatch(/^Fix: Run `.* -q -k 'this and'` to reproduce, then fix the error it reports\./m);
  const showing = await project.shardline(['run', ...out, '--', '--co']);
  expect([showing.exitCode, showing.stderr]).toEqual([
    4,
    expect.stringContaining('cannot run pytest with these options: --collect-only runs no test.\n'),
  ]);
  const debugging = await project.shardline(['run', ...out, '--', '--pdb']);
  expect([debugging.exitCode, debugging.stderr]).toEqual([
    4,
    expect.stringContaining('Fix: Remove the option, or run pytest itself: `pytest --pdb`.'),
  ]);
  await writeFile(join(project.directory, 'foreign.json'), '{"durations": {}}');
  const foreign = await project.shardline(['run', '--timings', 'foreign.json', ...out]);
  expect([foreign.exitCode, foreign.stderr.match(/^Fix: .*$/gm)]).toEqual([
    4,
    [expect.stringContaining('Pass another file with --timings')],
  ]);
  for (const { all } of [bad, missing, nothing, expression, showing, debugging, foreign]) expect(all).not.toMatch(/^\s+at .*\.ts:\d/m);
});

test('runs the tests that pytest would run: its configuration, ids, marks and options after --', async () => {
  await using project = await newProject({
    'pytest.ini': '[pytest]\ntestpaths = checks\npython_files = check_*.py\nmarkers = slow\naddopts = -m "not slow"\n',
    'conftest.py': 'collect_ignore = ["checks/check_ignored.py"]\n',
    'checks/check_a.py':
      'import pytest\n@pytest.mark.slow\ndef test_slow(): pass\ndef test_k(): pass\n@pytest.mark.parametrize("x", ["a::b", "ü [1]", ""])\ndef test_p(x): pass\n',
    'checks/check_ignored.py': 'def test_no(): assert 0\n',
    'other/test_a.py': 'def test_no(): assert 0\n',
  });
  expect((await project.shardline(['run', ...out])).exitCode).toBe(0);
  const all = ['test_k', 'test_p[a::b]', 'test_p[\\xfc [1]]', 'test_p[]'];
  expect(Object.keys(outcomesOf(await project.report())).sort()).toEqual(all.map((name) => `checks/check_a.py::${name}`).sort());
  expect((await project.shardline(['run', ...out, '--', '-k', 'test_k'])).exitCode).toBe(0);
  expect(Object.keys(outcomesOf(await project.report()))).toEqual(['checks/check_a.py::test_k']);
  expect((await project.shardline(['run', 'checks/check_a.py::test_p', ...out])).exitCode).toBe(0);
  expect((await project.report()).tests).toHaveLength(3);
});

test('tests that print megabytes, escape sequences and invalid bytes leave the outputs intact', async () => {
  await using project = await newProject({
    'test_noise.py':
      'import sys, os\ndef test_noise():\n    print("x" * 3_000_000)\n    print("\\x1b[2J\\x00\\ufffe]]>")\n    sys.stdout.flush()\n    os.write(1, b"\\xff\\xfe raw")\n    assert 0, "\\x1b[31mred\\x00"\n',
  });
  const result = await project.shardline(['run', ...out, '--', '--capture=fd']);
  expect(result.exitCode).toBe(1);
  expect(result.stdout).not.toMatch(/[\u0000\u001b]/);
  const report = await project.report();
  expect(outcomesOf(report)).toEqual({ 'test_noise.py::test_noise': 'failed' });
  expect((await project.read('out/junit.xml')).length).toBeLessThan(1_000_000);
});

test('a test that kills its worker is an error, and the other tests keep their outcomes', async () => {
  await using project = await newProject({
    'test_a.py': 'import os\ndef test_before(): pass\ndef test_dies(): os._exit(3)\ndef test_after(): pass\n',
    'test_b.py': 'def test_other(): pass\n',
  });
  const result = await project.shardline(['run', ...out]);
  expect(result.exitCode).toBe(1);
  expect(outcomesOf(await project.report())).toEqual({
    'test_a.py::test_before': 'passed',
    'test_a.py::test_dies': 'error',
    'test_a.py::test_after': 'passed',
    'test_b.py::test_other': 'passed',
  });
});

test.each([
  ['whose reader has left', 'pipe'],
  ['that is full', '/dev/full'],
])('a standard output %s changes neither exit code nor copies, and prints no stack trace', async (_what, stdout) => {
  await using project = await newProject({ 'test_a.py': 'def test_ok(): pass\n' });
  const full = stdout === 'pipe' ? null : await open(stdout, 'w');
  const running = spawn(program[0], [program[1], 'run', '--json', 'copy.json', ...out], {
    cwd: project.directory,
    env: environment(),
    stdio: ['ignore', full?.fd ?? 'pipe', 'pipe'],
  });
  running.stdout?.destroy();
  const [stderr, [exitCode]] = await Promise.all([text(running.stderr ?? Readable.from([])), once(running, 'close'), full?.close()]);
  expect(exitCode, stderr).toBe(0);
  expect(stderr).not.toMatch(/^\s+at .*:\d/m);
  expect(stderr.includes('standard output could not be written: ENOSPC')).toBe(full !== null);
  expect(JSON.parse(await project.read('copy.json'))).toMatchObject({ verdict: 'passed' });
});

test('-x ends the run at the first failure and lists the tests that did not run', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 6 }, (_, index) => [`test_${index}.py`, 'import time\ndef test_f():\n    time.sleep(0.2)\n    assert 0\n']),
  );
  await using project = await newProject(files);
  const result = await project.shardline(['run', '-x', '-n', '1', ...out]);
  expect(result.exitCode).toBe(1);
  const { totals, notRun } = await project.report();
  expect(totals.failed).toBeLessThan(6);
  expect(totals.failed + totals.notRun).toBe(totals.expected);
  expect(new Set(notRun.map(({ reason }) => reason))).toEqual(new Set(['maxfail']));
});

test.each(['file', 'suite'])(
  'pytest.exit in a test ends the run with exit 2 and names the tests that did not run (--collect %s)',
  async (collect) => {
    await using project = await newProject({
      'test_a.py':
        'import pytest\ndef test_1(): pass\ndef test_2(): pytest.exit("the database is gone", returncode=7)\ndef test_3(): pass\n',
    });
    const result = await project.shardline(['run', '-n', '1', '--collect', collect, ...out]);
    expect(result.exitCode).toBe(2);
    expect(result.stdout).toContain('the database is gone');
    const report = await project.report();
    expect(outcomesOf(report)).toEqual({ 'test_a.py::test_1': 'passed', 'test_a.py::test_2': 'error' });
    expect(report.notRun).toMatchObject([{ nodeid: 'test_a.py::test_3', reason: 'cancelled' }]);
  },
);

test('an interrupt keeps the finished results (exit 2)', async () => {
  await using project = await newProject({
    'test_a.py': 'import time\ndef test_quick(): pass\ndef test_slow():\n    time.sleep(60)\n',
    'test_b.py': 'import time\ndef test_slow():\n    time.sleep(60)\n',
  });
  const running = project.shardline(['run', '-n', '1', '--verbose', ...out]);
  let said = '';
  running.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await eventually('the quick test is reported', () => said.includes('PASSED test_a.py::test_quick'));
  running.kill('SIGINT');
  expect((await running).exitCode).toBe(2);
  const report = await project.report();
  expect(report.verdict).toBe('interrupted');
  expect(outcomesOf(report)).toEqual({ 'test_a.py::test_quick': 'passed' });
  expect(report.notRun.map(({ nodeid }) => nodeid)).toContain('test_a.py::test_slow');
});

test('the agents of a killed coordinator exit, and so does their pytest', async () => {
  await using project = await newProject({
    'test_a.py':
      'import os, time\ndef test_slow():\n    with open("pid.txt", "w") as out: out.write(str(os.getpid()))\n    time.sleep(300)\n',
  });
  const running = project.shardline(['run', '-n', '1', ...out]);
  const pidOf = async (): Promise<number> => Number(await project.read('pid.txt').catch(() => '0'));
  await eventually('the test runs', async () => (await pidOf()) > 0);
  const events = await recordedEvents(join(project.directory, 'out', 'events.ndjson'));
  const joined = events.flatMap((event) => (event.kind === 'agent-joined' ? [event.agent.pid] : []));
  const pids = [await pidOf(), joined[0] ?? 0];
  expect(pids.every(isRunning)).toBe(true);
  running.kill('SIGKILL');
  await running;
  await eventually('all are gone', () => !pids.some(isRunning), 40);
});

test('an interrupt during collection ends the command with exit 2 and no stack trace', async () => {
  await using project = await newProject({
    'conftest.py': 'import time, pathlib\npathlib.Path("here").write_text("")\ntime.sleep(60)\n',
    'test_a.py': '',
  });
  const running = project.shardline(['run', ...out]);
  await eventually('the conftest is imported', () => project.holds('here'));
  running.kill('SIGINT');
  const { exitCode, all } = await running;
  expect(exitCode, all).toBe(2);
  expect(all).not.toMatch(/internal|^\s+at /m);
});

test.each(['file', 'suite'])('tests marked serial run alone, one at a time, after all others (--collect %s)', async (collect) => {
  const work =
    'import os, time, pytest\ndef work(name):\n    start = time.time()\n    time.sleep(0.2)\n    with open("log.txt", "a") as log: log.write("%s %f %f\\n" % (name, start, time.time()))\n';
  const body = `${work}@pytest.fixture(scope="module")\ndef shared():\n    yield []\ndef test_side(shared): work("side")\n@pytest.mark.serial\ndef test_alone(shared):\n    shared.append(1)\n    work("alone")\n@pytest.mark.serial\nclass TestAlone:\n    def test_too(self, shared):\n        assert shared == [1]\n        work("alone")\n`;
  await using project = await newProject({
    // The user's -n overrides shardline's, but serial tests must still run alone.
    'pytest.ini': '[pytest]\naddopts = -n 2 --strict-markers\n',
    ...Object.fromEntries(Array.from({ length: 4 }, (_, index) => [`test_${index}.py`, body])),
  });
  const result = await project.shardline(['run', '--agents', '2', '-n', '1', '--collect', collect, ...out]);
  expect(result.exitCode, result.all).toBe(0);
  expect((await project.report()).totals).toMatchObject({ expected: 12, passed: 12 });
  const spans = (await project.read('log.txt'))
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [name = '', from = '', to = ''] = line.split(' ');
      return { name, from: Number(from), to: Number(to) };
    });
  expect(spans).toHaveLength(12);
  const alone = spans.filter(({ name }) => name === 'alone');
  for (const each of alone) expect(spans.filter((other) => other.from < each.to && each.from < other.to)).toEqual([each]);
});

test('a serial test costs no further collection of the whole suite, and session fixtures are torn down', async () => {
  await using project = await newProject({
    'conftest.py':
      'import os, pytest\ndef note(what):\n    with open("log.txt", "a") as log: log.write("%s %d\\n" % (what, os.getpid()))\n@pytest.fixture(scope="session", autouse=True)\ndef shared():\n    note("up")\n    yield\n    note("down")\n',
    ...Object.fromEntries(
      Array.from({ length: 3 }, (_, index) => [
        `test_${index}.py`,
        `import pytest, time\nfrom conftest import note\n${index === 0 ? 'note("collected")\n@pytest.mark.serial\n' : ''}def test_x(): time.sleep(0.5)\n`,
      ]),
    ),
  });
  const result = await project.shardline(['run', '--agents', '1', '-n', '2', '--collect', 'suite', ...out]);
  expect(result.exitCode, result.all).toBe(0);
  const lines = (await project.read('log.txt')).trimEnd().split('\n');
  expect(lines.filter((line) => line.startsWith('collected'))).toHaveLength(2);
  // Every fixture that was set up is torn down, also in the process that did not run the last test.
  const pids = (what: string) => lines.filter((line) => line.startsWith(`${what} `)).map((line) => line.split(' ')[1]);
  expect(pids('down').toSorted()).toEqual(pids('up').toSorted());
});

test('a deadline ends the run with the finished results, even if a test ignores every signal (exit 10)', async () => {
  await using project = await newProject({
    'test_a.py': 'def test_quick(): pass\n',
    'test_b.py':
      'import signal, time\ndef test_deaf():\n    signal.signal(signal.SIGINT, signal.SIG_IGN)\n    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    end = time.time() + 120\n    while time.time() < end: time.sleep(1)\n',
  });
  // On a machine with a load of 30, starting the run and its quick test took more than 9 s.
  const result = await project.shardline(['run', '-n', '2', '--deadline', '30s', '--reserve', '3s', ...out]);
  expect(result.exitCode, result.all).toBe(10);
  const report = await project.report();
  expect(report).toMatchObject({ verdict: 'deadline', deadline: { seconds: 30, met: false, overshootSeconds: expect.any(Number) } });
  expect(outcomesOf(report)).toEqual({ 'test_a.py::test_quick': 'passed' });
  const deaf = { nodeid: 'test_b.py::test_deaf', kind: 'test', reason: 'deadline', tests: 1, predictedSeconds: expect.any(Number) };
  expect(report.notRun).toEqual([deaf]);
  expect(await project.read('out/junit.xml')).toContain('not run: deadline; predicted to take 1.0 s');
});

test('warns of a hopeless deadline at the start and during the run, and does not leave out the last failure', async () => {
  const slow = (assertion: string) => `import time\ndef test_x():\n    time.sleep(3)\n    assert ${assertion}\n`;
  const names = Array.from({ length: 8 }, (_, index) => `test_${index}.py`);
  await using project = await newProject(Object.fromEntries(names.map((name, index) => [name, slow(index === 7 ? '0' : '1')])));
  expect((await project.shardline(['run', '-n', '4', ...out])).exitCode).toBe(1);
  const result = await project.shardline(['run', '-n', '1', '--deadline', '20s', ...out]);
  expect(result.exitCode, result.all).toBe(1);
  expect(result.stderr).toMatch(
    /Earlier runs predict that this run misses its deadline by \d+ s\. Fix: raise --deadline, .*leave out \d files: /,
  );
  expect(result.stderr).toMatch(/^At this rate the run misses its deadline by \d+ s/m);
  const report = await project.report();
  expect(outcomesOf(report)).toMatchObject({ 'test_7.py::test_x': 'failed' });
  expect(new Set(report.notRun.map(({ reason }) => reason))).toEqual(new Set(['deadline']));
  const events = await recordedEvents(join(project.directory, 'out', 'events.ndjson'));
  expect(events.map(({ kind }) => kind)).toContain('forecast');
});

test('a deadline during collection writes a report without results (exit 10)', async () => {
  await using project = await newProject({ 'conftest.py': 'import time\ntime.sleep(120)\n', 'tests/test_a.py': 'def test_x(): pass\n' });
  const result = await project.shardline(['run', 'tests', '--deadline', '2s', ...out]);
  expect(result.exitCode, result.all).toBe(10);
  const report = await project.report();
  expect(report).toMatchObject({ verdict: 'deadline', deadline: { met: false }, totals: { expected: 1, notRun: 1 } });
  expect(report.notRun).toMatchObject([{ nodeid: 'tests', kind: 'file', reason: 'deadline' }]);
});

test('two agents started by hand serve several runs over TCP with a password, and exit on SIGTERM', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 8 }, (_, index) => [`tests/test_${index}.py`, 'import time\ndef test_x():\n    time.sleep(0.5)\n']),
  );
  await using project = await newProject(files);
  await using server = await startTcpServer('--requirepass', 'pass-word');
  const url = server.url.replace('//', '//:pass-word@');
  const settings = { SHARDLINE_REDIS_URL: url };
  const agents = ['left', 'right'].map((name) => project.shardline(['agent', '--name', name, '-n', '1'], settings));
  const said = agents.map(() => '');
  for (const [index, agent] of agents.entries()) {
    agent.stderr.on('data', (chunk: Buffer) => {
      said[index] += chunk.toString();
    });
  }
  await eventually('both wait', () => said.every((text) => text.includes('waiting for runs')));
  for (const dir of ['first', 'second']) {
    const result = await project.shardline(['run', 'tests', '--out', dir], { ...settings, DEBUG: '*' });
    expect(result.exitCode, result.all).toBe(0);
    const report = await project.report(dir);
    expect(report.tests).toHaveLength(8);
    expect(new Set(report.tests.map(({ attempts }) => attempts[0]?.agent.replace(/-[0-9a-f]+$/, '')))).toEqual(new Set(['left', 'right']));
    expect(JSON.stringify(report) + result.all + said.join('')).not.toContain('pass-word');
  }
  for (const agent of agents) agent.kill('SIGTERM');
  for (const agent of agents) expect((await agent).exitCode).toBe(0);
});

test.each(['SIGTERM', 'SIGKILL', 'SIGSTOP'] as const)(
  'an agent that gets %s in the middle of a run loses no result, because another agent runs the rest',
  async (signal) => {
    const files = Object.fromEntries(
      Array.from({ length: 10 }, (_, index) => [
        `test_${index}.py`,
        'import time\ndef test_x(): time.sleep(0.6)\ndef test_y(): time.sleep(0.6)\n',
      ]),
    );
    await using project = await newProject(files);
    await using server = await startTcpServer();
    const settings = { SHARDLINE_REDIS_URL: server.url };
    const agents = ['first', 'second'].map((name) => project.shardline(['agent', '--name', name, '-n', '1'], settings));
    const running = project.shardline(['run', '--verbose', ...out], settings);
    let said = '';
    running.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await eventually('the first agent has reported a result', () => /PASSED .*\(first-/.test(said));
    agents[0]?.kill(signal);
    const result = await running;
    expect(result.exitCode, result.all).toBe(0);
    const { totals } = await project.report();
    expect(totals).toMatchObject({ expected: 20, passed: 20, notRun: 0 });
    if (signal === 'SIGSTOP') agents[0]?.kill('SIGCONT');
    for (const agent of agents) agent.kill('SIGTERM');
    await Promise.all(agents);
  },
);

test('--speculate auto reruns the straggler of a slow agent on another one, and every test has one outcome', async () => {
  const body =
    'import os, time\ndef test_x():\n    time.sleep(0.2 * float(os.environ.get("SLOWED", "1")))\n    assert __file__[-4] != "9"\n';
  const files = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`test_${index}.py`, body]));
  await using project = await newProject(files);
  expect((await project.shardline(['run', '-n', '4', '--timings', 't.json', ...out])).exitCode).toBe(1);
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const agents = ['1', '1000'].map((slowed) =>
    project.shardline(['agent', '--name', `times${slowed}`, '-n', '1'], { ...settings, SLOWED: slowed }),
  );
  const said = agents.map(() => '');
  for (const [index, agent] of agents.entries()) {
    agent.stderr.on('data', (chunk: Buffer) => {
      said[index] += chunk.toString();
    });
  }
  await eventually('both wait', () => said.every((text) => text.includes('waiting for runs')));
  const result = await project.shardline(['run', '--speculate', 'auto', '--timings', 't.json', '--split-over', '1h', ...out], settings);
  expect(result.exitCode, result.all).toBe(1);
  const report = await project.report();
  expect(report.totals).toMatchObject({ expected: 30, passed: 27, failed: 3, notRun: 0 });
  expect(new Set(report.tests.map(({ attempts }) => attempts[0]?.agent.replace(/-[0-9a-f]+$/, '')))).toEqual(new Set(['times1']));
  expect(result.stderr).toContain('is a straggler: re-running it on another agent; the first result wins.');
  for (const agent of agents) agent.kill('SIGTERM');
  for (const agent of agents) expect((await agent).exitCode).toBe(0);
}, 300_000);

test('a run without agents exits 11 after the wait and lists every file as not run', async () => {
  await using project = await newProject({ 'test_a.py': 'def test_ok(): pass\n' });
  await using server = await startTcpServer();
  const result = await project.shardline(['run', '--redis', server.url, '--wait-agents', '1s', ...out]);
  expect(result.exitCode).toBe(11);
  expect(result.all).toContain('no agent in pool default yet: waiting 1 s. Start one with `shardline agent --pool default`');
  expect((await project.report()).notRun).toMatchObject([{ nodeid: 'test_a.py', kind: 'file', reason: 'no-agent' }]);
});

test('a run adds only its own folder to the project, and saves durations there for the next run', async () => {
  await using project = await newProject({ 'test_a.py': 'def test_ok(): pass\n' });
  expect((await project.shardline(['run', '--', '-p', 'no:cacheprovider'], { PYTHONDONTWRITEBYTECODE: '1' })).exitCode).toBe(0);
  expect((await readdir(project.directory)).sort()).toEqual(['.shardline', 'test_a.py']);
  expect(JSON.parse(await project.read(join('.shardline', 'timings.json')))).toMatchObject({ version: 3, files: [['test_a.py', {}]] });
});
