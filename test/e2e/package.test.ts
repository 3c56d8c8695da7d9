// The npm package, packed, installed into an empty project, and run on the suite of that project.

import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../../shared/domain/report.ts';
import { decodeTrace, startReceiver } from '../support/otlp.ts';
import { testPython } from '../support/python.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
// npm and the installed command use the first node on PATH, so make it this one.
const env = { PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}` };

describe('the packed package', () => {
  let dir = '';
  let project = '';
  let packed: string[] = [];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shardline-package-'));
    project = join(dir, 'project');
    // .npmrc forbids lifecycle scripts, so nothing else builds dist/.
    await execa('npm', ['run', 'build'], { cwd: root, env });
    await execa('npm', ['pack', '--pack-destination', dir], { cwd: root, env });
    const tarball = (await readdir(dir)).find((name) => name.endsWith('.tgz')) ?? '';
    packed = (await execa('tar', ['-tzf', join(dir, tarball)])).stdout.split('\n').map((path) => path.replace(/^package\//, ''));
    await mkdir(join(project, 'tests'), { recursive: true });
    await writeFile(join(project, 'package.json'), '{ "private": true }\n');
    await writeFile(join(project, 'pytest.ini'), '[pytest]\ntestpaths = tests\n');
    await writeFile(
      join(project, 'tests', 'test_sum.py'),
      'def test_sum():\n    assert 1 + 1 == 2\n\n\ndef test_none():\n    assert sum([]) == 0\n',
    );
    await writeFile(join(project, 'tests', 'test_text.py'), 'def test_upper():\n    assert "ü".upper() == "Ü"\n');
    await execa('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', join(dir, tarball)], { cwd: project, env });
  }, 300_000);

  afterAll(() => rm(dir, { recursive: true, force: true }));

  test('contains compiled JavaScript with types and the pytest plugin, but no sources or tests', () => {
    const unexpected = packed.filter((path) => !/^(dist\/|package\.json$|README\.md$|LICENSE$|CHANGELOG\.md$)/.test(path));
    expect(unexpected).toEqual([]);
    expect(packed.filter((path) => /(?<!\.d)\.ts$|\.pyc$|\.test\.|^dist\/(test|scripts)\//.test(path))).toEqual([]);
    expect(packed).toContain('dist/cli/shardline.js');
    expect(packed).toContain('dist/cli/shardline.d.ts');
    const built = ['report', 'dashboard', 'audit'].flatMap((name) => [`${name}.css`, `${name}.js`]);
    expect(packed).toEqual(expect.arrayContaining(built.map((name) => `dist/coordinator/web/built/${name}`)));
    expect(packed.filter((path) => path.includes('/web/browser/'))).toEqual([]);
    const traces = ['send-spans.js', 'THIRD-PARTY-LICENSES.txt'];
    expect(packed).toEqual(expect.arrayContaining(traces.map((name) => `dist/coordinator/reporters/traces/built/${name}`)));
    expect(packed.some((path) => path.endsWith('.py'))).toBe(true);
  });

  test('prints its version', async () => {
    const { stdout } = await execa('npx', ['--no-install', 'shardline', '--version'], { cwd: project, env });
    expect(stdout).toBe(manifest.version);
  });

  test('runs the suite of another project, and exports its trace without the packages of OpenTelemetry', async () => {
    await using receiver = await startReceiver();
    const out = join(project, 'out');
    const args = ['--no-install', 'shardline', 'run', '-n', '2', '--python', testPython(), '--out', out];
    await execa('npx', args, { cwd: project, env: { ...env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url }, stdio: 'inherit' });
    expect((await decodeTrace(receiver)).spans.map(({ name }) => name)).toContain('tests/test_sum.py::test_sum');
    // prom-client needs the first of them.
    expect(await readdir(join(project, 'node_modules', '@opentelemetry'))).toEqual(['api']);
    const report = JSON.parse(await readFile(join(out, 'report.json'), 'utf8')) as Report;
    expect(report.verdict).toBe('passed');
    expect(await readFile(join(out, 'report.html'), 'utf8')).toContain(report.runId);
    expect(report.tests.map((each) => each.nodeid).sort()).toEqual([
      'tests/test_sum.py::test_none',
      'tests/test_sum.py::test_sum',
      'tests/test_text.py::test_upper',
    ]);
  });
});

test('npm runs no install script under the .npmrc of the repository', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'shardline-scripts-'));
  const packageOf = async (name: string, more: object): Promise<string> => {
    const folder = join(dir, name);
    const leaveMark = `node -e "require('fs').writeFileSync('${join(dir, `${name}-ran`)}', '')"`;
    await mkdir(folder);
    await writeFile(
      join(folder, 'package.json'),
      JSON.stringify({ name, version: '1.0.0', scripts: { install: leaveMark, postinstall: leaveMark, prepare: leaveMark }, ...more }),
    );
    return folder;
  };
  try {
    await packageOf('dependency', {});
    const project = await packageOf('project', { dependencies: { dependency: 'file:../dependency' } });
    await copyFile(join(root, '.npmrc'), join(project, '.npmrc'));
    await execa('npm', ['install', '--offline'], { cwd: project, env });
    expect(await readdir(join(project, 'node_modules'))).toContain('dependency');
    expect((await readdir(dir)).filter((name) => name.endsWith('-ran'))).toEqual([]);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}, 60_000);
