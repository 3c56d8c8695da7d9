// `shardline report` on the output of one real run that has every kind of result.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runId } from '../../shared/domain/ids.ts';
import { COORDINATOR, encodeMessage, WIRE_VERSION } from '../../shared/wire/envelope.ts';
import { decodeReport } from '../../shared/wire/report/report.ts';
import { testPython } from '../support/python.ts';
import { newProject, outcomesOf, type Project } from '../support/shardline.ts';

let project: Project;
beforeAll(async () => {
  project = await newProject({
    'pyproject.toml': '[tool.pytest.ini_options]\n\n[tool.shardline]\njunit-xml = "copy.xml"\n',
    'tests/test_ok.py': 'import pytest\n@pytest.mark.parametrize("n", range(5))\ndef test_ok(n):\n    assert n < 5\n',
    'tests/test_bad.py':
      'import os, pytest\ndef test_bad():\n    print("<out>\\n::error::forged by a test")\n    assert 1 == 2\ndef test_crash():\n    os._exit(3)\n@pytest.mark.skip\ndef test_skip(): pass\n',
    'tests/test_broken.py': 'import nowhere\n',
  });
  const { exitCode } = await project.shardline([
    'run',
    '--out',
    'out',
    '-n',
    '2',
    '--targets',
    'memory<100GB,cpu>0%',
    '--trace',
    'trace.json',
    'tests',
  ]);
  expect(exitCode).toBe(1);
});
afterAll(() => project[Symbol.asyncDispose]());

/** Drops what only the writer of a report knows: when it was written, and how long merging took. */
const timeless = (text: string): string =>
  text.replace(/"finishedAt": "[^"]*"/, '"finishedAt": ""').replace(/"mergeSeconds": [\d.e-]+/, '"mergeSeconds": 0');

describe('shardline report', () => {
  test('shows a finished run again with its exit code, and writes no files', async () => {
    const shown = await project.shardline(['report', 'out']);
    expect(shown.exitCode).toBe(1);
    expect(shown.stdout).toContain('ERROR tests/test_bad.py::test_crash');
    expect(shown.stdout.split('\n').at(-1)).toMatch(/^failed: 1 failed, 1 error, 1 collection error, 5 passed, 1 skipped in /);
    expect(shown.stdout).not.toMatch(/^reports /m);
  });

  test('rebuilds report.json from events.ndjson, byte for byte except for the times of writing', async () => {
    const { exitCode } = await project.shardline(['report', 'out/events.ndjson', '--json', 'again.json', '--quiet']);
    expect(exitCode).toBe(1);
    const { targets, conflicts, waits, comparison, history, ...rest } = JSON.parse(await project.read('out/report.json'));
    expect(targets).toMatchObject([{ met: true }, { met: true }]);
    expect(comparison).toBeNull();
    expect(history).toMatchObject({ unstable: [] });
    expect(timeless(await project.read('again.json'))).toBe(
      timeless(`${JSON.stringify({ ...rest, targets: null, conflicts, waits, comparison: null, history: null }, null, 2)}\n`),
    );
    expect(outcomesOf(decodeReport(await project.read('again.json'), 'again.json'))).toMatchObject({
      'tests/test_bad.py::test_bad': 'failed',
    });
  });

  test('writes the JUnit file that the run itself wrote', async () => {
    await project.shardline(['report', 'out', '--junit-xml', 'again.xml']);
    expect(await project.read('again.xml')).toBe(await project.read('out/junit.xml'));
  });

  test('compares with a report of an earlier run, and with a JUnit file of plain pytest', async () => {
    const pytest = await execa(
      testPython(),
      ['-m', 'pytest', '-p', 'no:cacheprovider', '--junit-xml=plain.xml', 'tests/test_ok.py', 'tests/test_bad.py::test_skip'],
      {
        cwd: project.directory,
        reject: false,
      },
    );
    expect(pytest.exitCode).toBe(0);
    for (const baseline of ['plain.xml', 'out']) {
      const shown = await project.shardline(['report', 'out', '--baseline', baseline, '--json', 'compared.json']);
      expect(shown.stdout).toContain(`compared with `);
      const { comparison } = decodeReport(await project.read('compared.json'), 'compared.json');
      const failing = ['tests/test_bad.py::test_bad', 'tests/test_bad.py::test_crash'];
      const isNew = baseline === 'plain.xml';
      expect(comparison).toMatchObject({
        newFailures: isNew ? failing : [],
        stillFailing: isNew ? [] : failing,
        added: isNew ? failing : [],
        fixed: [],
        newlySlow: [],
        vanished: [],
      });
    }
  });

  test('compares two runs, and merges several runs into one report with one verdict', async () => {
    const compared = await project.shardline(['report', 'out', 'out/events.ndjson']);
    expect(compared.stdout).toContain('compared with out: 0 new failures, 0 fixed, 2 still failing, 0 newly slow, 0 new tests, 0 vanished');
    const merged = await project.shardline([
      'report',
      '--merge',
      'out',
      'out/events.ndjson',
      '--json',
      'merged.json',
      '--trace',
      'merged-trace.json',
    ]);
    expect(merged.exitCode).toBe(1);
    const report = decodeReport(await project.read('merged.json'), 'merged.json');
    expect(report.totals).toMatchObject({ passed: 5, failed: 1, error: 1, skipped: 1 });
    expect(report.agents.map(({ id }) => id)).toEqual(['a1.1', 'a1.2']);
    const trace = await project.read('merged-trace.json');
    expect(trace.match(/agent \S+ joined/g)).toEqual(['agent a1.1 joined', 'agent a1.2 joined']);
    const refused = await project.shardline(['report', 'out', 'out', 'out']);
    expect(refused.exitCode).toBe(4);
  });

  test('checks targets, and refuses an unknown target', async () => {
    const met = await project.shardline(['report', 'out', '--targets', 'time<10m, flaky=0']);
    expect(met.stdout).toMatch(/target met {4}time<10m {2}\d/);
    const missed = await project.shardline(['report', 'out', '--targets', 'time<1ms']);
    expect(missed.stdout).toContain('target MISSED time<1ms');
    const refused = await project.shardline(['report', 'out', '--targets', 'tempo<10m']);
    expect(refused.exitCode).toBe(4);
    expect(refused.stderr).toContain("Fix: Write for example --targets 'time<120s,cpu>=80%', in quotes.");
  });

  test('annotates failures for GitHub, and stops it from running commands that tests printed', async () => {
    const settings = { GITHUB_WORKSPACE: project.directory, GITHUB_STEP_SUMMARY: join(project.directory, 'summary.txt') };
    const { stdout } = await project.shardline(['report', 'out', '--github'], settings);
    expect(stdout).toMatch(/^::error file=tests\/test_broken\.py,line=1,title=could not collect tests\/test_broken\.py::/);
    expect(stdout).toMatch(/^::error file=tests\/test_bad\.py,line=4,title=failed%3A tests\/test_bad\.py%3A%3Atest_bad::/m);
    const token = /^::stop-commands::(.+)$/m.exec(stdout)?.[1] ?? '';
    const inside = stdout.slice(stdout.indexOf('::stop-commands::'), stdout.indexOf(`\n::${token}::`));
    expect(inside).toContain('\n\\::error::forged by a test\n');
    expect(stdout.split('\n').at(-1)).toMatch(/^failed: /);
    const summary = await project.read('summary.txt');
    expect(summary).toBe(await project.read('out/summary.md'));
    expect(summary).toMatch(/^a1 gw0 +[·░▒▓█]{60}$/m);
  });

  test('writes the same trace as the run itself', async () => {
    await project.shardline(['report', 'out', '--trace', 'again.json']);
    expect(await project.read('again.json')).toBe(await project.read('trace.json'));
    const { traceEvents } = JSON.parse(await project.read('trace.json')) as { traceEvents: { ph: string; name: string }[] };
    const names = traceEvents.map(({ ph, name }) => `${ph} ${name}`);
    expect(names).toEqual(
      expect.arrayContaining(['X tests/test_ok.py::test_ok[1]', 'X collect tests/test_ok.py', 'i agent a1 joined', 'i verdict: failed']),
    );
  });

  test('refuses files that are not the result of a run', async () => {
    await writeFile(join(project.directory, 'odd.json'), '{"schema": 1}');
    await writeFile(
      join(project.directory, 'odd.ndjson'),
      `${encodeMessage('record', { pool: 'default', run: runId('r1'), sender: COORDINATOR, seq: 1, epoch: 0 }, { kind: 'tick', at: 1 })}\n`,
    );
    await writeFile(join(project.directory, 'old.ndjson'), `{"version":${WIRE_VERSION - 1},"kind":"tick","at":1}\n`);
    const evil = (await readFile(join(project.directory, 'out', 'events.ndjson'), 'utf8')).replaceAll(
      'tests/test_ok.py',
      '../../etc/passwd',
    );
    await writeFile(join(project.directory, 'evil.ndjson'), evil);
    for (const [name, problem] of [
      ['nowhere', 'no such file or directory'],
      ['odd.json', 'Invalid input'],
      ['odd.ndjson', 'its first event is not the start of a run'],
      ['evil.ndjson', 'must be a path inside the rootdir'],
    ] as const) {
      const refused = await project.shardline(['report', name]);
      expect(refused.exitCode).toBe(4);
      expect(refused.stderr).toContain('is not the result of a run');
      expect(refused.stderr).toContain(problem);
    }
    const old = await project.shardline(['report', 'old.ndjson']);
    expect(old.exitCode).toBe(4);
    expect(old.stderr).toContain(`is in format ${WIRE_VERSION - 1}, which an earlier shardline wrote`);
    expect((await project.shardline(['report'])).stderr).toContain('There is no finished run in ');
  });
});
