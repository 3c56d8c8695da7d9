// The Python package, built, installed into a virtual environment, and run where PATH has neither Node.js nor a Redis server.

import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildWheel } from '../../scripts/build-wheel.ts';
import type { Report } from '../../shared/domain/report.ts';
import { decodeTrace, startReceiver } from '../support/otlp.ts';
import { testPython } from '../support/python.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };

describe('the Python package', () => {
  let dir = '';
  let project = '';
  let wheel = '';
  let files: string[] = [];
  const bin = (venv: string, program: string): string => join(dir, venv, 'bin', program);
  const install = async (venv: string, ...packages: string[]): Promise<void> => {
    await execa(testPython(), ['-m', 'venv', join(dir, venv)]);
    await execa(bin(venv, 'python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages]);
  };
  /** Runs the command of this environment with nothing on PATH but the programs of a plain system. */
  const shardline = (venv: string, ...argv: string[]) => shardlineWith({}, venv, ...argv);
  const shardlineWith = (env: Readonly<Record<string, string>>, venv: string, ...argv: string[]) =>
    execa(bin(venv, 'shardline'), argv, {
      cwd: project,
      env: { PATH: join(dir, 'empty'), HOME: dir, ...env },
      extendEnv: false,
      reject: false,
      all: true,
    });

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shardline-wheel-'));
    project = join(dir, 'project');
    await mkdir(join(project, 'tests'), { recursive: true });
    await mkdir(join(dir, 'empty'));
    await writeFile(join(project, 'pytest.ini'), '[pytest]\ntestpaths = tests\n');
    await writeFile(
      join(project, 'tests', 'test_where.py'),
      'import os, sys\n\ndef test_prefix():\n    print(sys.prefix)\n\ndef test_environment():\n    assert "SHARDLINE_LAUNCHER" not in os.environ\n',
    );
    wheel = await buildWheel(join(dir, 'built'));
    files = (await execa(testPython(), ['-m', 'zipfile', '--list', wheel])).stdout
      .split('\n')
      .slice(1)
      .map((line) => line.replace(/ +\d{4}-.*$/, ''));
    await install('all', `${wheel}[all]`, 'pytest', 'pytest-xdist');
    await install('bare', '--no-deps', wheel);
  }, 300_000);

  afterAll(() => rm(dir, { recursive: true, force: true }));

  test('is pure, and contains one bundled program, the pytest plugin and the licences, but no sources or tests', () => {
    expect(basename(wheel)).toBe(`shardline-${version}-py3-none-any.whl`);
    const program = files.filter((file) => file.startsWith('shardline/program/'));
    const scripts = program.filter((file) => /\.(js|cjs|mjs)$/.test(file) && !file.includes('/built/'));
    expect(scripts.filter((file) => !/\/cli\/part-[^/]+\.js$/.test(file)).sort()).toEqual([
      'shardline/program/cli/main.js',
      'shardline/program/cli/shardline.js',
    ]);
    expect(program).toEqual(
      expect.arrayContaining([
        'shardline/program/coordinator/reporters/traces/built/send-spans.js',
        'shardline/program/coordinator/reporters/traces/built/THIRD-PARTY-LICENSES.txt',
        'shardline/program/coordinator/web/built/report.js',
        'shardline/program/shared/pytest/plugin/launch.py',
        'shardline/program/package.json',
      ]),
    );
    expect(program.some((file) => file.endsWith('.lua'))).toBe(true);
    expect(files.filter((file) => /\.tsx?$|\.pyc$|\/test_|\.test\./.test(file))).toEqual([]);
    const information = `shardline-${version}.dist-info`;
    expect(files).toEqual(
      expect.arrayContaining([
        'shardline/launcher.py',
        `${information}/licenses/LICENSE`,
        `${information}/licenses/THIRD-PARTY-LICENSES.txt`,
        `${information}/entry_points.txt`,
      ]),
    );
  });

  test('has the same bytes when it is built again', async () => {
    const digest = async (path: string) =>
      createHash('sha256')
        .update(await readFile(path))
        .digest('hex');
    expect(await digest(await buildWheel(join(dir, 'again')))).toBe(await digest(wheel));
  });

  test('prints its version, as a command and as a module', async () => {
    expect((await shardline('all', '--version')).all).toBe(version);
    const asModule = await execa(bin('all', 'python'), ['-m', 'shardline', '--version'], { env: { PATH: '' }, extendEnv: false });
    expect(asModule.stdout).toBe(version);
  });

  test('runs a suite with its own Node.js and Redis server, and with the Python of its environment, and exports its trace', async () => {
    await using receiver = await startReceiver();
    const ran = await shardlineWith({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url }, 'all', 'run', '--out', 'out');
    expect(ran.exitCode, ran.all).toBe(0);
    expect((await decodeTrace(receiver)).spans.map(({ name }) => name)).toContain('tests/test_where.py::test_prefix');
    const report = JSON.parse(await readFile(join(project, 'out', 'report.json'), 'utf8')) as Report;
    expect(report.tests.map(({ outcome }) => outcome)).toEqual(['passed', 'passed']);
    expect(await readFile(join(project, 'out', 'report.html'), 'utf8')).toContain(report.runId);
  });

  test("finds its own Redis server when the suite runs with another environment's Python, also in the run of an audit", async () => {
    for (const command of ['run', 'audit']) {
      const ran = await shardline('all', command, '--python', testPython(), '--out', command);
      expect(ran.exitCode, ran.all).toBe(0);
    }
    const audit = await readFile(join(project, 'audit', 'audit.md'), 'utf8');
    expect(audit).toMatch(/^\| shardline \|/m);
  });

  test('says in one command how to get Node.js where there is none', async () => {
    const { exitCode, all } = await shardline('bare', 'run');
    expect(exitCode).toBe(4);
    expect(all).toBe(
      `shardline: error: Found no Node.js, which shardline needs.\n  Fix: Run \`${bin('bare', 'python')} -m pip install 'shardline[node]'\`.`,
    );
  });
});
