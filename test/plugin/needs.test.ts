// The plugin accepts a mark exactly if the codecs of the agent and of the coordinator can read what it needs.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { decodeMessage } from '../../agent/pytest/codec.ts';
import { NEEDS_LIMITS } from '../../shared/domain/needs.ts';
import { needsSchema } from '../../shared/wire/attempt.ts';
import { testPython } from '../support/python.ts';

const lib = fileURLToPath(new URL('../../shared/pytest/plugin/lib', import.meta.url));

const READER = `
import json, sys
from types import SimpleNamespace
sys.path.insert(0, sys.argv[1])
from shardline_pytest.needs import BadMark, Needs
import pytest
item = SimpleNamespace(iter_markers=lambda name: [mark.mark for mark in marks if mark.name == name])
m = pytest.mark
marks = eval(sys.argv[2])
try:
    print(json.dumps(Needs(item).message("a.py::t")))
except BadMark as error:
    print(json.dumps({"error": str(error)}))
`;

interface Answer {
  readonly error?: string;
  readonly labels: readonly string[];
  readonly resources: Readonly<Record<string, number>>;
}
const needsBy = (marks: string): Answer =>
  JSON.parse(execFileSync(testPython(), ['-c', READER, lib, `[${marks}]`], { encoding: 'utf8' })) as Answer;

const { nameChars, names, units } = NEEDS_LIMITS;
const labels = (count: number): string => `m.requires(*map(str, range(${count})))`;
const resources = (count: number): string => `*(m.resource(str(i)) for i in range(${count}))`;

test.each([
  ['units', `m.resource("memory", n=${units})`, `m.resource("memory", n=${units + 1})`, 'resource("memory"): n is more than 1000000'],
  ['digits', 'm.resource("memory", n=1)', 'm.resource("memory", n=10**5000)', 'resource("memory"): n is more than 1000000'],
  ['labels', labels(names), labels(names + 1), 'requires: a test needs at most 50 labels, and this one needs 51'],
  ['resources', resources(names), resources(names + 1), 'resource: a test needs at most 50 resources, and this one needs 51'],
  ['letters of a label', `m.requires("x"*${nameChars})`, `m.requires("x"*${nameChars + 1})`, 'a label is a text of 1 to 200 characters'],
  // JavaScript counts two for each.
  ['emojis of a label', 'm.requires("\\U0001F600"*100)', 'm.requires("\\U0001F600"*101)', 'a label is a text of 1 to 200 characters'],
  ['letters of a name', `m.resource("x"*${nameChars})`, `m.resource("x"*${nameChars + 1})`, 'needs a name of 1 to 200 characters'],
])('limits the number of %s in marks', (_, most, tooMany, message) => {
  const accepted = needsBy(most);
  const sent = { kind: 'list-group', file: 'a.py', nodeids: ['a.py::t'], needs: [accepted] };
  expect(decodeMessage(JSON.stringify(sent))).toEqual(sent);
  const entries = Object.entries(accepted.resources).map(([name, count]) => ({ name, units: count }));
  needsSchema.parse({ labels: accepted.labels, resources: entries });
  const { error = '' } = needsBy(tooMany);
  expect(error).toContain(message);
  expect(error.length).toBeLessThan(500);
});

test.each([
  ['units', { labels: [], resources: { memory: units + 1 } }],
  ['labels', { labels: Array.from({ length: names + 1 }, String), resources: {} }],
  ['resources', { labels: [], resources: Object.fromEntries(Array.from({ length: names + 1 }, (_, index) => [`r${index}`, 1])) }],
  ['letters', { labels: ['x'.repeat(nameChars + 1)], resources: {} }],
])('the agent refuses a message with too many %s', (_, needs) => {
  const sent = { kind: 'list-group', file: 'a.py', nodeids: ['a.py::t'], needs: [{ nodeid: 'a.py::t', ...needs }] };
  expect(() => decodeMessage(JSON.stringify(sent))).toThrow(expect.objectContaining({ code: 'bad-message' }));
});
