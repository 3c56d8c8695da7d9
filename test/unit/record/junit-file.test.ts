// A JUnit file as a baseline: what its tests are, and that a damaged or hostile file ends in one clear error.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBaseline } from '../../../coordinator/record/baseline.ts';
import { readJunitFile } from '../../../coordinator/record/junit-file.ts';
import { readXmlTags, xmlLimits } from '../../../coordinator/record/xml-tags.ts';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shardline-test-junit-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const fileOf = async (xml: string): Promise<string> => {
  const path = join(directory, 'junit.xml');
  await writeFile(path, xml);
  return path;
};
const testsIn = async (cases: string) => Object.fromEntries(await readJunitFile(await fileOf(`<testsuites>${cases}</testsuites>`)));
const problemOf = async (xml: string): Promise<string> => {
  const path = await fileOf(xml);
  const refused = readBaseline(path, directory);
  await expect(refused).rejects.toMatchObject({ code: 'not-a-result', exitCode: 4, values: { path } });
  return refused.then(String, ({ values }) => values.problem);
};

test.each([
  ['<testcase classname="t.A" name="b" time="0.5"/>', { 't.A::b': { outcome: 'passed', seconds: 0.5 } }],
  ['<testcase classname="t" name="b"><failure message="m">text</failure></testcase>', { 't::b': { outcome: 'failed', seconds: null } }],
  ['<testcase classname="t" name="b" time="x"><error/></testcase>', { 't::b': { outcome: 'error', seconds: null } }],
  ['<testcase classname="t" name="b" time="0"><skipped type="pytest.skip"/></testcase>', { 't::b': { outcome: 'skipped', seconds: 0 } }],
  ['<testcase classname="t" name="b"><skipped type="shardline.not-run"/></testcase>', {}],
  ['<testcase classname="" name="t.broken"><error/></testcase>', {}],
  ['<testcase classname="" name="t.itself"><skipped/></testcase>', { 't.itself': { outcome: 'skipped', seconds: null } }],
  [
    '<testcase classname="t" name="b"><system-out><![CDATA[<failure/>]]></system-out><properties><failure/></properties></testcase>',
    { 't::b': { outcome: 'passed', seconds: null } },
  ],
  [
    '<testcase classname="t" name="b"><error/></testcase><testcase classname="t" name="b"/>',
    { 't::b': { outcome: 'passed', seconds: null } },
  ],
  ['<testcase classname="t" name="&lt;é&#10;&quot;&#x1F600;&gt;"/>', { 't::<é\n"😀>': { outcome: 'passed', seconds: null } }],
])('reads the tests of %s', async (cases, tests) => {
  expect(await testsIn(cases)).toEqual(tests);
});

test('accepts a report without tests only if its root is testsuites', async () => {
  expect(await readJunitFile(await fileOf('<testsuites/>'))).toEqual(new Map());
  expect(await problemOf('<testsuite/>')).toBe('it has no testcase');
  expect(await problemOf('<html/>')).toBe('it has no testcase');
});

test('reads characters and tags that lie on the border of two chunks', async () => {
  const names = Array.from({ length: 20_000 }, (_, index) => `é😀${index}`);
  const tests = await testsIn(names.map((name) => `<testcase classname="t" name="${name}" time="1"/>`).join('\n'));
  expect(Object.keys(tests)).toEqual(names.map((name) => `t::${name}`));
});

const laughs = `<!DOCTYPE l [<!ENTITY a "ha">${Array.from('bcdefghij', (name, index) => `<!ENTITY ${name} "${`&${'abcdefghi'[index]};`.repeat(10)}">`).join('')}]>`;

test.each([
  ['entities that expand to a billion', `${laughs}<testsuites><testcase name="&j;"/></testsuites>`, 'it has a document type'],
  ['a document type from elsewhere', '<!DOCTYPE t SYSTEM "file:///etc/passwd"><testsuites/>', 'it has a document type'],
  ['an entity without a declaration', '<testsuites><testcase name="&b;"/></testsuites>', /^1:31: undefined entity/],
  ['elements nested 101 deep', '<testsuites>'.repeat(101), 'its elements are nested more than 100 deep'],
  [
    'an element with 101 attributes',
    `<testsuites ${Array.from({ length: 101 }, (_, index) => `a${index}=""`).join(' ')}/>`,
    'one of its elements has more than 100 attributes',
  ],
  ['an element that does not end', '<testsuites><testcase classname="t" name="b"/>', /unclosed tag: testsuites/],
  ['a tag of another element', '<testsuites></testcase>', /unexpected close tag/],
  ['a control character', '<testsuites>\u0001</testsuites>', /disallowed character/],
  ['no XML', 'hello', /text data outside of root node/],
  ['no content', '', /must contain a root element/],
])('refuses a file with %s', async (_what, xml, problem) => {
  expect(await problemOf(xml)).toMatch(problem);
});

test.each([
  ['an attribute', '<testsuites name="'],
  ['a text', '<testsuites>'],
  ['a comment', '<testsuites><!--'],
  ['a name', '<'],
])('refuses a file with %s that is too long, without reading on', async (_what, start) => {
  const path = await fileOf(`${start}${'x'.repeat(2_000_000)}\0`);
  const reading = readXmlTags(path, { open() {}, close() {} }, { ...xmlLimits, characters: 1_000_000 });
  await expect(reading).rejects.toThrow('it has more than 1,000,000 characters between two tags');
});

test('refuses a file with too many bytes, without reading on', async () => {
  const path = await fileOf(`<testsuites>${'<a/>'.repeat(100_000)}\0`);
  const read: string[] = [];
  const open = (name: string): void => void read.push(name);
  await expect(readXmlTags(path, { open, close() {} }, { ...xmlLimits, bytes: 100_000 })).rejects.toThrow('it has more than 100,000 bytes');
  expect(read.length).toBeLessThan(50_000);
});

test('refuses a file that is not there', async () => {
  await expect(readBaseline('none.xml', directory)).rejects.toThrow('none.xml is not the result of a run: no such file or directory');
});
