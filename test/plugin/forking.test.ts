// xdist workers start by fork from a process that has imported pytest and none of the user's code. They must be like new interpreters.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { START_MS } from '../../agent/pytest/start-limit.ts';
import { streamEngine } from '../../agent/pytest/stream-engine.ts';
import { eventually, isRunning } from '../support/eventually.ts';
import { makeSuite, type OpenSuite, openSuite, type RunOptions, type Suite, selectors } from './suite.ts';

/** Each of two workers writes its facts, and waits for those of the other. */
const FACTS = `import atexit, gc, hashlib, json, locale, os, random, signal, sys, threading, time, warnings
import pytest

FILES = "/proc/self/fd/"

def stream(it):
    kinds = [type(each).__name__ for each in (it, it.buffer, getattr(it.buffer, "raw", None))]
    return [*kinds, it.encoding, it.errors, it.line_buffering, it.write_through, it.name, getattr(it, "mode", None), it.fileno()]

def depth():
    frame, count = sys._getframe(), 0
    while frame is not None: frame, count = frame.f_back, count + 1
    return count

def same():
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    main = sys.modules["__main__"].__dict__
    return {
        "argv": [sys.argv, getattr(sys, "orig_argv", None), sys.executable, sys.path, str(sys.flags), sys.warnoptions, dir(sys)],
        "main": [sorted(main), main["__name__"], main["__doc__"], repr(main["__loader__"]), main["__package__"], main["__spec__"]],
        "modules": sorted(set(sys.modules) - {"shardline_pytest.fork_server", "shardline_pytest.worker_starts"}),
        "import": [[type(each).__name__ for each in sys.meta_path], len(sys.path_hooks)],
        "streams": [stream(sys.__stdin__), stream(sys.__stdout__), stream(sys.__stderr__)],
        "signals": [[int(each), repr(signal.getsignal(each)).split(" at ")[0]] for each in sorted(signal.valid_signals())],
        "wakeup": signal.set_wakeup_fd(-1),
        "status": [status[name] for name in ("SigBlk", "SigIgn", "SigCgt", "Umask", "Threads", "Uid", "Groups")],
        "files": sorted([int(each), os.readlink(FILES + each).split(":")[0]] for each in os.listdir(FILES) if os.path.exists(FILES + each)),
        "environment": {name: os.environ[name] for name in os.environ if not name.startswith(("PYTEST_XDIST", "SHARDLINE_W", "COV_CORE"))},
        "directory": os.getcwd(),
        "group": [os.getpgrp() == os.getpgid(os.getppid()), os.getsid(0) == os.getsid(os.getppid())],
        "main thread": [threading.main_thread().native_id == os.getpid(), threading.current_thread() is threading.main_thread()],
        "gc": [gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()],
        "atexit": atexit._ncallbacks(),
        "locale": locale.setlocale(locale.LC_ALL),
        "warnings": [str(each) for each in warnings.filters],
        "limits": open("/proc/self/limits").read(),
        "recursion": sys.getrecursionlimit(),
    }

def facts():
    forked = "launch.py" in open("/proc/self/cmdline").read()
    own = {"pid": os.getpid(), "parent": os.getppid(), "random": random.random(), "hash": hash("shardline"), "depth": depth()}
    return {"same": same(), "forked": forked, **own}

def meet(name, count=2):
    with open(os.path.join(os.path.dirname(__file__), name + ".part"), "w") as out: json.dump(facts(), out)
    os.rename(out.name, out.name.replace(".part", ".json"))
    until = time.time() + 60
    while len([each for each in os.listdir(os.path.dirname(__file__)) if each.endswith(".json")]) < count:
        assert time.time() < until
        time.sleep(0.01)
`;
const MEETING = {
  'facts.py': FACTS,
  'test_a.py': 'from facts import meet\ndef test_a(): meet("a")\n',
  'test_b.py': 'from facts import meet\ndef test_b(): meet("b")\n',
};

interface Facts {
  readonly same: Readonly<Record<string, unknown>> & { readonly environment: Readonly<Record<string, string>> };
  readonly forked: boolean;
  readonly pid: number;
  readonly parent: number;
  readonly random: number;
  readonly hash: number;
  readonly depth: number;
}

/** Opens a session, and collects what it writes to the debug log. */
async function open(suite: Suite, options: RunOptions = {}): Promise<readonly [OpenSuite, readonly string[]]> {
  const lines: string[] = [];
  const engine = streamEngine(
    () => undefined,
    null,
    START_MS,
    (line) => lines.push(line),
  );
  return [await openSuite(suite, { engine, ...options }), lines];
}

async function factsIn(suite: Suite): Promise<readonly Facts[]> {
  const names = (await readdir(suite.path)).filter((name) => /^[ab]\.json$/.test(name)).sort();
  return await Promise.all(names.map(async (name) => JSON.parse(await readFile(join(suite.path, name), 'utf8')) as Facts));
}

/** The facts of two workers, and the debug log. */
async function meet(files: Readonly<Record<string, string>> = {}, options: RunOptions = {}) {
  await using suite = await makeSuite({ ...MEETING, ...files });
  const [session, lines] = await open(suite, options);
  const ran = await Promise.all([session.run(selectors('test_a.py')), session.run(selectors('test_b.py'))]).finally(() =>
    session[Symbol.asyncDispose](),
  );
  const problems = ran.flatMap(({ events, results }) => [
    ...results.flatMap(({ message }) => message ?? []),
    ...events.flatMap((event) => (event.kind === 'collect-failed' ? event.errors.map(({ message }) => message) : [])),
  ]);
  expect(problems).toEqual([]);
  const [one, two] = await factsIn(suite);
  if (one === undefined || two === undefined) throw new Error('two workers did not meet');
  return { one, two, lines, path: suite.path };
}

/** What a worker shares with a new interpreter. The paths of the suite and the numbers of temporary files differ. */
const shared = ({ one, path }: Awaited<ReturnType<typeof meet>>): unknown =>
  JSON.parse(JSON.stringify(one.same).replaceAll(path, 'SUITE').replaceAll(/#\d+/g, ''));

/** Only `-u` makes the output of a worker unbuffered. */
const BUFFERED = { PYTHONUNBUFFERED: '' };

/** The second variable forbids a fork and has no other effect. */
const NO_FORK = { ...BUFFERED, COV_CORE_NOTHING: '1' };

test('a forked worker is like a new interpreter, and one frame deeper', async () => {
  const forked = await meet({}, { environment: BUFFERED });
  const fresh = await meet({}, { environment: NO_FORK });
  expect([forked.one.forked, forked.two.forked, fresh.one.forked, fresh.two.forked]).toEqual([true, true, false, false]);
  // readline sets both in the environment of new processes, but not in os.environ.
  const { COLUMNS, LINES, ...environment } = fresh.one.same.environment;
  expect(shared(forked)).toEqual(shared({ ...fresh, one: { ...fresh.one, same: { ...fresh.one.same, environment } } }));
  expect(forked.one.depth).toBe(fresh.one.depth + 1);
});

test('forked workers share the hash seed and no random numbers', async () => {
  const { one, two, lines } = await meet();
  expect(lines).toEqual([]);
  expect(one.pid).not.toBe(two.pid);
  expect(one.parent).toBe(two.parent);
  expect(one.random).not.toBe(two.random);
  expect(one.hash).toBe(two.hash);
});

test('a forked worker has the environment, directory and umask that conftest.py gave to the main process', async () => {
  const conftest = `import os
def pytest_configure(config):
    if hasattr(config, "workerinput"): return
    os.environ["FROM_CONFTEST"] = "caf\\udce9"
    os.environ.pop("HOME", None)
    os.umask(0o027)
    os.mkdir("below")
    os.chdir("below")
`;
  const { one, lines, path } = await meet({ 'conftest.py': conftest, 'pytest.ini': '[pytest]\n' }, { environment: { HOME: '/' } });
  expect(lines).toEqual([]);
  expect(one.forked).toBe(true);
  expect(one.same.environment).toMatchObject({ FROM_CONFTEST: 'caf\udce9' });
  expect(one.same.environment).not.toHaveProperty('HOME');
  expect(one.same).toMatchObject({ directory: join(path, 'below'), status: expect.arrayContaining(['\t0027\n']) });
});

test('a forked worker runs its exit handlers once, and the fork server runs none', async () => {
  await using suite = await makeSuite({
    'conftest.py': `import atexit, os
HERE = os.path.dirname(__file__)
def leave(pid=os.getpid()):
    assert pid == os.getpid()
    open(os.path.join(HERE, "left-%d-%d" % (pid, os.getppid() == os.getpgrp())), "x").close()
atexit.register(leave)
`,
    'test_a.py': 'def test_a(): pass\n',
  });
  const [session] = await open(suite);
  await session.run(selectors('test_a.py')).finally(() => session[Symbol.asyncDispose]());
  // One of pytest's main process, and two of its workers.
  expect((await readdir(suite.path)).filter((name) => name.startsWith('left-'))).toHaveLength(3);
});

test('reports the signal of a killed worker, and forks its replacement', async () => {
  await using suite = await makeSuite({
    'test_k.py': 'import os, signal\ndef test_k(): os.kill(os.getpid(), signal.SIGKILL)\n',
    'test_o.py': 'def test_o():\n    assert "launch.py" in open("/proc/self/cmdline").read()\n',
  });
  const [session, lines] = await open(suite, { numprocesses: '1' });
  await using _closed = session;
  const ran = await session.run(selectors('test_k.py'));
  expect(ran.results[0]?.message).toMatch(/killed by SIGKILL/);
  expect((await session.run(selectors('test_o.py'))).outcomes).toEqual({ 'test_o.py::test_o': 'passed' });
  expect(lines).toEqual([]);
});

test('goes on without a fork server that a test kills', async () => {
  await using suite = await makeSuite({
    'test_p.py': 'import os, signal\ndef test_p(): os.kill(os.getppid(), signal.SIGKILL)\ndef test_q(): os._exit(3)\ndef test_r(): pass\n',
  });
  const [session, lines] = await open(suite, { numprocesses: '1' });
  await using _closed = session;
  const ran = await session.run(selectors('test_p.py'));
  expect(ran.outcomes).toEqual({ 'test_p.py::test_p': 'passed', 'test_p.py::test_q': 'error', 'test_p.py::test_r': 'passed' });
  expect(lines).toEqual([expect.stringMatching(/^xdist workers start without fork: the fork server failed: /)]);
});

test('leaves no process when the main process of pytest is killed', async () => {
  await using suite = await makeSuite({
    'test_k.py': `import os, signal, time
def test_k():
    with open("pids.txt", "w") as out: out.write("%d %d %d" % (os.getpid(), os.getppid(), os.getpgrp()))
    os.kill(os.getpgrp(), signal.SIGKILL)
    time.sleep(600)
`,
  });
  const [session] = await open(suite, { numprocesses: '1' });
  await using _closed = session;
  expect((await session.run(selectors('test_k.py'))).ending.kind).toBe('crashed');
  const pids = (await readFile(join(suite.path, 'pids.txt'), 'utf8')).split(' ').map(Number);
  expect(new Set(pids).size).toBe(3);
  await eventually('pytest, its fork server and its xdist worker are gone', () => !pids.some(isRunning));
});

test('has no fork server where the main process runs the tests', async () => {
  await using suite = await makeSuite({
    'test_a.py': `import os, pytest
def test_a():
    with pytest.raises(ChildProcessError): os.waitpid(-1, os.WNOHANG)
`,
  });
  const [session] = await open(suite, { pytestArgs: ['-n0'] });
  await using _closed = session;
  expect((await session.run(selectors('test_a.py'))).outcomes).toEqual({ 'test_a.py::test_a': 'passed' });
});

const inMain = (code: string): string =>
  `import os, resource, signal\ndef pytest_configure(config):\n    if not hasattr(config, "workerinput"):\n        ${code}\n`;

/** pytest imports iniconfig. This one starts a thread, and is replaced by the real one. */
const THREAD = `import os, sys, threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
sys.path.remove(os.path.dirname(__file__))
del sys.modules["iniconfig"]
import iniconfig
`;

const refusals: Readonly<Record<string, { files?: Readonly<Record<string, string>>; environment?: Record<string, string>; why: RegExp }>> =
  {
    'coverage.py measures each process from its start': {
      environment: { COVERAGE_PROCESS_START: '' },
      why: /COVERAGE_PROCESS_START is set$/,
    },
    'code of the user runs when Python starts': {
      files: { 'lib/sitecustomize.py': '' },
      why: /Python runs .*lib\/sitecustomize\.py when it starts$/,
    },
    'a thread runs before pytest starts': { files: { 'lib/iniconfig.py': THREAD }, why: /Python has 2 threads before pytest starts$/ },
    'conftest.py changes what the interpreter reads at its start': {
      files: { 'conftest.py': inMain('os.environ["PYTHONHASHSEED"] = "7"') },
      why: /the environment variable PYTHONHASHSEED changed after pytest started$/,
    },
    'conftest.py changes a limit': {
      files: {
        'conftest.py': inMain(
          'resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); resource.setrlimit(resource.RLIMIT_NPROC, (50000, 50000))',
        ),
      },
      why: /\/proc\/self\/limits changed after pytest started$/,
    },
    'conftest.py ignores a signal': {
      files: { 'conftest.py': inMain('signal.signal(signal.SIGUSR1, signal.SIG_IGN)') },
      why: /SigIgn of \/proc\/self\/status changed after pytest started$/,
    },
    'the fork server is gone': {
      files: { 'conftest.py': inMain('from shardline_pytest import fork_server; os.kill(fork_server.server().pid, signal.SIGKILL)') },
      why: /the fork server failed: /,
    },
  };

test.each(Object.entries(refusals))('starts workers without fork if %s', async (_what, { files = {}, environment = {}, why }) => {
  await using suite = await makeSuite({
    'test_a.py': 'def test_a():\n    assert "launch.py" not in open("/proc/self/cmdline").read()\n',
    ...files,
  });
  const path = 'conftest.py' in files ? {} : { PYTHONPATH: join(suite.path, 'lib') };
  const [session, lines] = await open(suite, { environment: { ...path, ...environment } });
  await using _closed = session;
  expect((await session.run(selectors('test_a.py'))).outcomes).toEqual({ 'test_a.py::test_a': 'passed' });
  expect(lines).toEqual([expect.stringMatching(why)]);
});
