// The end of a run besides results: warnings, sections of plugins, and the output of pytest's options.

import { XMLParser } from 'fast-xml-parser';
import { expect, test } from 'vitest';
import { NO_PLACES } from '../../../coordinator/report-places.ts';
import { junitXml } from '../../../coordinator/reporters/files/junit.ts';
import type { TerminalOptions } from '../../../coordinator/reporters/summary/terminal-summary.ts';
import { pageData } from '../../../coordinator/web/report-page.ts';
import { agentId } from '../../../shared/domain/ids.ts';
import type { Report } from '../../../shared/domain/report.ts';
import { type AskedFor, NOTHING_SHOWN, type ReportedWarning } from '../../../shared/domain/shown.ts';
import { decodeReport, encodeReport } from '../../../shared/wire/report/report.ts';
import { renderReport, sampleReport, sampleTest } from './sample-report.ts';

const normal: TerminalOptions = { color: false, width: 100, paths: [], verbosity: 'normal' };
const verbose: TerminalOptions = { ...normal, verbosity: 'verbose' };
const asked = (changes: Partial<AskedFor> = {}): AskedFor => ({ outcomes: 'wfE', durations: null, leastSeconds: 0.005, ...changes });

const warnings: readonly ReportedWarning[] = [
  { category: 'UserWarning', message: 'look out\nbelow', file: 'a.py', line: 3, count: 2, places: [{ place: 't.py::test_p', count: 2 }] },
  { category: 'DeprecationWarning', message: 'old', file: 'b.py', line: 1, count: 1, places: [{ place: 'b.py:1', count: 1 }] },
];
const passed = sampleTest('t.py::test_p', 'passed');
const lines = (changes: Partial<Report>, options = normal): string[] =>
  renderReport(sampleReport([passed], changes), options)
    .split('\n')
    .filter((line) => !/^(time|speed|bound|agent|slow|reports) /.test(line) && line !== '');

test('shows all warnings in one line, and their number in the last line', () => {
  expect(lines({ warnings, asked: asked() })).toEqual([
    'warnings 3: a.py:3: UserWarning: look out (-v shows all 2)',
    'passed: 1 passed, 3 warnings in 12.3 s; exit 0',
  ]);
});

test('cuts the warnings line to the width of the terminal', () => {
  const [warning] = warnings;
  const long = { ...warning, message: 'word '.repeat(100) } as ReportedWarning;
  const [line = ''] = lines({ warnings: [long, ...warnings], asked: asked() }, { ...normal, width: 80 });
  expect(line).toHaveLength(80);
  expect(line).toMatch(/^warnings 5: a\.py:3: UserWarning: word .*… \(-v shows all 3\)$/);
});

test('-v lists each distinct warning with its places', () => {
  expect(lines({ warnings, asked: asked() }, verbose).slice(1, 6)).toEqual([
    't.py::test_p: 2 warnings',
    '  a.py:3: UserWarning: look out',
    '  below',
    'b.py:1',
    '  b.py:1: DeprecationWarning: old',
  ]);
});

test('--disable-warnings keeps only the number of warnings in the last line, as in pytest', () => {
  expect(lines({ warnings, asked: asked({ outcomes: 'fE' }) })).toEqual(['passed: 1 passed, 3 warnings in 12.3 s; exit 0']);
});

test('counts deselected tests in the last line', () => {
  expect(lines({ deselected: 2 }).at(-1)).toBe('passed: 1 passed, 2 deselected in 12.3 s; exit 0');
});

test('prints a section of several agents once, and cuts a long one without -v', () => {
  const text = Array.from({ length: 40 }, (_, index) => `line ${index}`).join('\n');
  const sessions = ['a1', 'a2'].map((agent) => ({ agent: agentId(agent), header: [], sections: [{ title: 'conftest.py', text }] }));
  const shown = lines({ sessions });
  expect(shown[0]).toMatch(/^=+ conftest\.py \(a1, a2\) =+$/);
  expect(shown.slice(30, 32)).toEqual(['line 29', '… 10 more lines in report.html']);
  expect(shown.filter((line) => line === 'line 0')).toHaveLength(1);
  expect(lines({ sessions }, verbose)).toContain('line 39');
});

test('-v prints the same header of several agents once', () => {
  const header = ['platform linux -- Python 3.12.1, pytest-9.0', 'Using --randomly-seed=7'];
  const sessions = ['a1', 'a2'].map((agent) => ({ agent: agentId(agent), header, sections: [] }));
  expect(lines({ sessions }, verbose).slice(0, 2)).toEqual([
    'pytest   a1, a2: platform linux -- Python 3.12.1, pytest-9.0',
    '         Using --randomly-seed=7',
  ]);
  expect(lines({ sessions })).toHaveLength(1);
});

test('-r lists tests by outcome in the order of its letters, and folds skips', () => {
  const tests = [
    passed,
    sampleTest('t.py::test_s[1]', 'skipped', '/home/ci/project/t.py:7: Skipped: no way'),
    sampleTest('t.py::test_s[2]', 'skipped', '/home/ci/project/t.py:7: Skipped: no way'),
    sampleTest('t.py::test_x', 'xfailed', 'known'),
    sampleTest('t.py::test_X', 'xpassed', ''),
    sampleTest('t.py::test_f', 'failed', 'E   assert 0'),
  ];
  const shown = renderReport(sampleReport(tests, { asked: asked({ outcomes: 'wPpsxXEf' }) }), { ...normal, verbosity: 'quiet' });
  expect(shown.trimEnd().split('\n').slice(0, -1)).toEqual([
    'PASSED t.py::test_p',
    'SKIPPED [2] t.py:7: no way',
    'XFAIL t.py::test_x - known',
    'XPASS t.py::test_X',
    'FAILED t.py::test_f - assert 0',
  ]);
});

test('-rP shows the output of passed tests', () => {
  const printing = sampleTest('t.py::test_p', 'passed', null, 'hello');
  const report = (outcomes: string): string => renderReport(sampleReport([printing], { asked: asked({ outcomes }) }), normal);
  expect(report('wfE')).not.toContain('hello');
  expect(report('wP').split('\n').slice(1, 3)).toEqual([expect.stringContaining(' Captured stdout call '), 'hello']);
});

test('--durations lists the slowest phases of all tests, and counts phases below --durations-min', () => {
  const [attempt] = passed.attempts;
  const timed = (id: string, seconds: number, setupSeconds: number, teardownSeconds: number) => ({
    ...sampleTest(id, 'passed'),
    attempts: attempt === undefined ? [] : [{ ...attempt, seconds, setupSeconds, teardownSeconds }],
  });
  const tests = [timed('t.py::test_1', 3.001, 2, 0.001), timed('t.py::test_2', 4, 0, 0)];
  const shown = (changes: Partial<AskedFor>): string[] => {
    const all = renderReport(sampleReport(tests, { asked: asked(changes) }), normal).split('\n');
    return all.slice(0, all.indexOf(''));
  };
  expect(shown({ durations: 2 })).toEqual([
    expect.stringContaining(' slowest 2 durations '),
    '4.00s call     t.py::test_2',
    '2.00s setup    t.py::test_1',
  ]);
  expect(shown({ durations: 0, leastSeconds: 1.5 }).at(-1)).toBe('(2 durations < 1.5s hidden.)');
});

test('writes properties to junit.xml as pytest does, and to the page', () => {
  const properties = [
    { name: 'build', value: '7 <&>' },
    { name: 'odd', value: '\u0000' },
  ];
  const report = sampleReport([passed, { ...sampleTest('t.py::test_q', 'passed'), properties }]);
  const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '' });
  const [plain, recorded] = parser.parse(junitXml(report)).testsuites.testsuite.testcase;
  expect(plain).not.toHaveProperty('properties');
  expect(recorded.properties.property).toEqual([
    { name: 'build', value: '7 <&>' },
    { name: 'odd', value: '#x00' },
  ]);
  expect(pageData(report, NO_PLACES).properties).toEqual([[1, 'build', '7 <&>', 'odd', '\\x00']]);
});

test('report.json keeps all of it, and a report of an earlier version has none', () => {
  const sessions = [{ agent: agentId('a1'), header: ['platform linux'], sections: [{ title: 'conftest.py', text: 'done' }] }];
  const report = sampleReport([passed], { warnings, deselected: 2, sessions, asked: asked() });
  expect(decodeReport([...encodeReport(report)].join(''), 'here')).toEqual(report);
  const old = Object.fromEntries(Object.entries(report).filter(([name]) => !Object.hasOwn(NOTHING_SHOWN, name)));
  expect(decodeReport(JSON.stringify(old), 'here')).toMatchObject(NOTHING_SHOWN);
});
