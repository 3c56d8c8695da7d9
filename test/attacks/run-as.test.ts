// What the process of a test can read of its agent: with --run-as nothing, and never a secret in its own environment.

import { execFileSync } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { launchPath } from '../../shared/pytest/plugin-path.ts';
import { environmentPython } from '../support/python.ts';
import { startTcpServer } from '../support/redis.ts';
import { said } from '../support/said.ts';
import { newProject, outcomesOf } from '../support/shardline.ts';

const SECRET = 'pass-of-redis';
/** A user that every Linux has. */
const USER = 'nobody';
/** Keeps the order of tests, and needs no writable workspace. */
const plugins = ['-p', 'no:randomly', '-p', 'no:cacheprovider'] as const;

/** Finds the agent, which is the parent of pytest, the leader of this process group. */
const spy = `import os, pathlib, pytest

def agent():
    status = pathlib.Path(f"/proc/{os.getpgrp()}/status").read_text()
    return int(status.split("PPid:")[1].split()[0])

KEY = pathlib.Path(__file__).parent / "agent.key"
SECRET = "-".join(["pass", "of", "redis"])
`;
/** Tests that pass under any user. */
const plain = {
  'pkg.py': 'def half(n):\n    if n < 0:\n        return None\n    return n // 2\n',
  'test_plain.py': `import pytest, pkg
@pytest.mark.parametrize("n", range(5))
def test_it(n, tmp_path):
    (tmp_path / "file").write_text(str(n))
    assert pkg.half(n) != 2
@pytest.mark.skip
def test_skipped(): pass
@pytest.mark.xfail
def test_expected(): assert 0
`,
  'test_env.py': `${spy}
def test_environment_has_no_secret():
    text = repr(dict(os.environ))
    assert SECRET not in text and "agent.key" not in text
    assert [name for name in os.environ if name.startswith("SHARDLINE_")] in ([], ["SHARDLINE_WORKER"])
`,
};
const plainOutcomes = {
  'test_plain.py::test_it[0]': 'passed',
  'test_plain.py::test_it[1]': 'passed',
  'test_plain.py::test_it[2]': 'passed',
  'test_plain.py::test_it[3]': 'passed',
  'test_plain.py::test_it[4]': 'failed',
  'test_plain.py::test_skipped': 'skipped',
  'test_plain.py::test_expected': 'xfailed',
  'test_env.py::test_environment_has_no_secret': 'passed',
};
const spies = {
  'test_spy.py': `${spy}
def test_user():
    assert os.getuid() == os.geteuid() == ${65534} and os.getgroups() in ([], [os.getgid()])
    assert os.environ["USER"] == "${USER}" and "SUDO_USER" not in os.environ

@pytest.mark.parametrize("name", ["environ", "mem", "fd", "maps"])
def test_memory(name):
    path = f"/proc/{agent()}/{name}"
    with pytest.raises(PermissionError):
        os.listdir(path) if name == "fd" else open(path, "rb").read(1)

def test_command_line():
    assert SECRET not in pathlib.Path(f"/proc/{agent()}/cmdline").read_text()

def test_key_file():
    with pytest.raises(PermissionError):
        KEY.read_text()

def test_signal():
    with pytest.raises(PermissionError):
        os.kill(agent(), 0)

def test_session_directory():
    import re, sys
    arguments = pathlib.Path(f"/proc/{os.getpgrp()}/cmdline").read_text().split("\\0")
    directory = pathlib.Path(next(each for each in arguments if each.endswith(".json"))).parent
    for forbidden in (lambda: os.listdir(directory), lambda: (directory / "new").write_text(""), lambda: os.symlink("/etc/shadow", directory / "link")):
        with pytest.raises(PermissionError):
            forbidden()
`,
};
const spyNames = [
  'test_user',
  ...['environ', 'mem', 'fd', 'maps'].map((name) => `test_memory[${name}]`),
  'test_command_line',
  'test_key_file',
  'test_signal',
  'test_session_directory',
];

/** Can this user run this interpreter with the packages of the tests? */
const canRun = (python: string, settings: Readonly<Record<string, string>>): boolean => {
  try {
    execFileSync(python, ['-c', 'import pytest, xdist, pytest_cov'], { uid: 65534, gid: 65534, cwd: '/', env: settings, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/** Settings with an interpreter that the user can run; null if there is none. That of the tests may be in a home directory. */
function interpreter(): Readonly<Record<string, string>> | null {
  const own = environmentPython('plugins');
  if (canRun(own, {})) return { SHARDLINE_PYTHON: own };
  const packages = execFileSync(own, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'], { encoding: 'utf8' }).trim();
  return canRun('/usr/bin/python3', { PYTHONPATH: packages }) ? { SHARDLINE_PYTHON: '/usr/bin/python3', PYTHONPATH: packages } : null;
}

/** Why no other user can run tests of this repository here; null if one can. */
function whyNoOtherUser(): string | null {
  if (process.platform !== 'linux') return 'this is not Linux';
  if (process.getuid?.() !== 0) return 'only root can start processes of another user';
  try {
    execFileSync('test', ['-r', launchPath()], { uid: 65534, gid: 65534 });
  } catch {
    return `${USER} cannot read this repository`;
  }
  return interpreter() === null ? `${USER} cannot run a Python with the packages of the tests` : null;
}

/** Runs the project's tests with one agent of these arguments, over a Redis with a password. Returns the run's project. */
async function runOn(
  files: Readonly<Record<string, string>>,
  agentArgs: readonly string[],
  runArgs: readonly string[] = [],
  settings: Readonly<Record<string, string>> = {},
) {
  await using server = await startTcpServer('--requirepass', SECRET);
  const project = await newProject(files);
  await chmod(project.directory, 0o755);
  expect((await project.shardline(['keygen', 'agent.key'])).exitCode).toBe(0);
  const url = server.url.replace('//', `//:${SECRET}@`);
  // On the command line too, which any user of the machine can read.
  const agent = project.shardline(['agent', '--once', '-n', '2', '--redis', url, ...agentArgs], {
    SHARDLINE_REDIS_URL: url,
    SHARDLINE_SIGN_KEY: join(project.directory, 'agent.key'),
    ...settings,
  });
  let printed = '';
  agent.stderr.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  try {
    await Promise.race([said(agent, /waiting for runs/), agent.then(() => Promise.reject(new Error(printed)))]);
    const run = await project.shardline(['run', '--trust', 'agent.key.pub', '--out', 'out', ...runArgs], {
      SHARDLINE_REDIS_URL: url,
      ...settings,
    });
    expect((await agent).exitCode, printed).toBe(0);
    return { project, run, printed, report: await project.report() };
  } finally {
    agent.kill('SIGKILL');
    await agent;
  }
}

test('the environment of tests has neither the URL of Redis nor the paths of keys', { timeout: 120_000 }, async () => {
  const { project, run, report } = await runOn(plain, []);
  await using _ = project;
  expect(run.exitCode, run.all).toBe(1);
  expect(outcomesOf(report)).toEqual(plainOutcomes);
});

const why = whyNoOtherUser();
if (why !== null && process.getuid?.() === 0 && process.env.SHARDLINE_NEED_DOCKER === '1')
  throw new Error(`${why}, and these tests must not be skipped here`);
if (why !== null) console.warn(`skipped: ${why}`);
const python = why === null ? interpreter() : null;

describe.skipIf(why !== null)('an agent with --run-as', () => {
  test('runs tests that read neither its memory nor its key, with the same outcomes and coverage', { timeout: 180_000 }, async () => {
    const coverage = ['--cov=pkg', '--cov-branch'];
    const { project, run, printed, report } = await runOn(
      { ...plain, ...spies },
      ['--run-as', USER],
      ['--', ...plugins, ...coverage],
      python ?? {},
    );
    await using _ = project;
    expect(printed).toContain(`tests run as ${USER}`);
    const spied = Object.fromEntries(spyNames.map((name) => [`test_spy.py::${name}`, 'passed']));
    expect(outcomesOf(report), run.all).toEqual({ ...plainOutcomes, ...spied });
    expect(run.exitCode, run.all).toBe(1);
    expect(report.coverage).toMatchObject({ missing: [], problems: [] });
    expect(report.rejected).toEqual([]);
    expect(await project.read('out/coverage.xml')).toContain('filename="pkg.py"');
  });

  test.each([
    ['no-such-user', /Could not run tests as no-such-user: this machine has no such user\n.*Fix: Create it/s],
    ['root', /Could not run tests as root: it is root, which can read everything/],
  ])('refuses %s', async (user, message) => {
    await using project = await newProject(plain);
    const agent = await project.shardline(['agent', '--redis', 'redis://127.0.0.1:1', '--run-as', user], python ?? {});
    expect(agent.exitCode).toBe(4);
    expect(agent.stderr).toMatch(message);
  });
});
