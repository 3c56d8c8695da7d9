// How the text of one option becomes a value.

import { expect, test } from 'vitest';
import { type OptionKind, optionTable } from '../../../cli/options.ts';
import { readValue } from '../../../cli/read-value.ts';

const optionOf = (kind: OptionKind) => {
  const option = optionTable.find((each) => each.kind === kind);
  if (option === undefined) throw new Error(`no option of the kind ${kind}`);
  return option;
};

test.each<[OptionKind, string, ReturnType<typeof readValue>]>([
  ['flag', 'true', true],
  ['flag', '', false],
  ['count', '3', 3],
  ['numprocesses', 'auto', 'auto'],
  ['duration', '1m30s', 90],
  ['python', 'python3', 'python3'],
  ['python', '.venv/bin/python', '/base/.venv/bin/python'],
  ['port', '0', 0],
])('reads a %s from "%s"', (kind, text, value) => {
  expect(readValue(optionOf(kind), text, '/base')).toBe(value);
});

test.each<[OptionKind, string]>([
  ['flag', 'yes'],
  ['path', ''],
  ['python', ''],
  ['count', '-1'],
  ['numprocesses', '0'],
  ['duration', 'soon'],
  ['bytes', 'much'],
  ['rerun-limit', 'many'],
  ['targets', 'time'],
  ['choice', 'none of them'],
  ['name', 'two words'],
  ['host', 'a host'],
  ['port', '65536'],
  ['url', 'localhost'],
])('refuses a %s of "%s", with the expected form and a fix', (kind, text) => {
  const value = readValue(optionOf(kind), text, '/base');
  expect(value).toEqual({ expected: expect.stringMatching(/\S/), fix: expect.stringMatching(/\.$/) });
});

test('resolves a relative path from the base, and reads - as standard input only for --selected', () => {
  const [selected, out] = ['selected', 'out'].map((name) => optionTable.find((each) => each.name === name) ?? optionOf('path'));
  if (selected === undefined || out === undefined) throw new Error('no such options');
  expect(readValue(selected, 'list.txt', '/base')).toBe('/base/list.txt');
  expect(readValue(selected, '-', '/base')).toBe('-');
  expect(readValue(out, '-', '/base')).toBe('/base/-');
});
