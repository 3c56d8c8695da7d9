// Unusual node ids: shardline reports and selects each of them as plain pytest does.

import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { nodeId, testFile } from '../../shared/domain/ids.ts';
import { countedByPlainPytest } from '../support/plain-pytest.ts';
import { testPython } from '../support/python.ts';
import { bothWays, openFed } from './compare.ts';
import { makeSuite, openSuite } from './suite.ts';

const RAW = 'disable_test_id_escaping_and_forfeit_all_rights_to_community_support = true';
const PARAMETERS = String.raw`["ü", "日本", "😀", "a::b", "a::b[c]", "x y", "", "new\nline", "cr\r", "tab\t", "nul\0", "\x1b[31m", "\udcff", "[", "]", "@g", "a/b", "back\\slash", "#no", "-k", "x" * 300]`;
const file = `import pytest\n@pytest.mark.parametrize("x", ${PARAMETERS})\ndef test_x(x): assert x != "a::b"\nclass TestC:\n    @pytest.mark.parametrize("y", ${PARAMETERS})\n    def test_y(self, y): pass\n`;

test.each([
  ['escaped by pytest', '[pytest]\n'],
  ['as they are', `[pytest]\n${RAW}\n`],
])('runs ids with unicode, separators, control characters and a lone surrogate, %s', async (_how, ini) => {
  await using suite = await makeSuite({ 'pytest.ini': ini, 'test_i.py': file, 'sub dir/test_ü.py': 'def test_u(): pass\n' });
  const { plain, streamed, ran } = await bothWays(suite);
  expect(streamed).toEqual(plain);
  expect(Object.keys(plain.outcomes)).toHaveLength(43);
  expect(ran.map(({ ending }) => ending.kind)).toEqual(['finished', 'finished']);
});

test('selects each such id by itself, and runs it once', async () => {
  await using suite = await makeSuite({ 'pytest.ini': `[pytest]\n${RAW}\n`, 'test_i.py': file });
  const plain = await countedByPlainPytest(testPython(), suite.path, []);
  const nodeids = Object.keys(plain.outcomes).map(nodeId);
  await using session = await openFed(suite);
  const some = await session.run([{ kind: 'tests', file: testFile('test_i.py'), nodeids: nodeids.filter((_, index) => index % 2 === 0) }]);
  const rest = await session.run([{ kind: 'tests', file: testFile('test_i.py'), nodeids: nodeids.filter((_, index) => index % 2 === 1) }]);
  expect(some.results.length + rest.results.length).toBe(42);
  expect({ ...some.outcomes, ...rest.outcomes }).toEqual(plain.outcomes);
});

test('gives a file that is collected again in the same process the ids of its first collection', async () => {
  const marks = String.raw`import pytest
shared = pytest.mark.parametrize("x", [1, 2], ids=["ü", "n"])
@shared
def test_first(x): pass
@shared
def test_second(x): pass
@pytest.mark.parametrize("x", ["back\\slash", 2], ids=lambda value: f"{value}\n")
def test_function(x): pass
@pytest.mark.parametrize("x", [1, 2], ids=iter(["a", "b"]))
def test_iterator(x): pass
@pytest.mark.parametrize("x", [1], ids=["日本"])
class TestC:
    def test_c(self, x): pass
`;
  await using suite = await makeSuite({ 'test_m.py': marks });
  const plain = await countedByPlainPytest(testPython(), suite.path, []);
  await using session = await openSuite(suite, { numprocesses: '1' });
  const ran = [];
  for (const nodeid of Object.keys(plain.outcomes).map(nodeId))
    ran.push(await session.run([{ kind: 'tests', file: testFile('test_m.py'), nodeids: [nodeid] }]));
  const digests = ran.flatMap(({ events }) => events.flatMap((event) => (event.kind === 'collected' ? [event.digest] : [])));
  expect(Object.assign({}, ...ran.map(({ outcomes }) => outcomes))).toEqual(plain.outcomes);
  expect([digests.length, new Set(digests).size]).toEqual([9, 1]);
});

test('runs a file whose name is not valid UTF-8', async () => {
  await using suite = await makeSuite({ 'test_o.py': 'def test_o(): pass\n' });
  await writeFile(Buffer.concat([Buffer.from(`${suite.path}/test_`), Buffer.from([0xff]), Buffer.from('.py')]), 'def test_f(): pass\n');
  const { plain, streamed, ran } = await bothWays(suite);
  expect(streamed).toEqual(plain);
  expect(ran.map(({ ending }) => ending.kind)).toEqual(['finished', 'finished']);
});
