// A JUnit file of plain pytest as a baseline: shardline matches every testcase that pytest writes.

import { execa } from 'execa';
import { expect, test } from 'vitest';
import { testPython } from '../support/python.ts';
import { newProject } from '../support/shardline.ts';

const FILES = {
  'pytest.ini': '[pytest]\n',
  'tests/conftest.py': `import pytest
class Case(pytest.Item):
    def runtest(self): pass
class Cases(pytest.File):
    def collect(self):
        yield Case.from_parent(self, name="line\\nnext\\ttab\\rreturn <&\\"'>")
def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".case": return Cases.from_parent(parent, path=file_path)
`,
  'tests/some.case': '',
  'tests/test_itself.py': 'import pytest\npytest.skip("not here", allow_module_level=True)\n',
  'tests/test_broken.py': 'import nowhere\n',
  'tests/test_a.py': 'class TestA:\n    def test_m(self): pass\ndef test_f(): assert 0\n',
};
const SAME = { newFailures: [], fixed: [], stillFailing: ['tests/test_a.py::test_f'], added: [], vanished: [] };

/** Classname and name of each testcase, as written in the file. */
const named = (xml: string): readonly string[] =>
  [...xml.matchAll(/<testcase classname="([^"]*)" name="([^"]*)"/g)].map(([, classname, name]) => `${classname} ${name}`).sort();

test('names every testcase as plain pytest does, and finds no false difference to the file of plain pytest', async () => {
  await using project = await newProject(FILES);
  const plain = ['-m', 'pytest', '-p', 'no:cacheprovider', '-p', 'no:xdist', '--continue-on-collection-errors', '--junit-xml=plain.xml'];
  expect((await execa(testPython(), [...plain, 'tests'], { cwd: project.directory, reject: false })).exitCode).toBe(1);
  const ran = await project.shardline(['run', '--out', 'out', '-n', '1', '--baseline', 'plain.xml', 'tests']);
  expect(ran.exitCode).toBe(1);
  expect(ran.stdout).toContain('0 new failures, 0 fixed, 1 still failing, 0 newly slow, 0 new tests, 0 vanished');
  expect((await project.report()).comparison).toMatchObject(SAME);
  expect(named(await project.read('out/junit.xml'))).toEqual(named(await project.read('plain.xml')));

  await project.shardline(['report', 'out', '--baseline', 'out/junit.xml', '--json', 'again.json']);
  expect(JSON.parse(await project.read('again.json')).comparison).toMatchObject(SAME);
});
