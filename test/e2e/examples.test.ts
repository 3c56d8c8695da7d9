// Plain pytest finds the tests and outcomes that the examples announce.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateSuite, writeSuite } from '../../examples/generate.ts';
import { testPython } from '../support/python.ts';

const pytest = (dir: string, args: readonly string[] = []) =>
  execa(testPython(), ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', ...args], { cwd: dir, env: { PYTHONDONTWRITEBYTECODE: '1' } });

describe('the generated suite', () => {
  const suite = generateSuite({ seed: 7, scale: 0.0002 });
  let dir = '';
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shardline-examples-'));
    await writeSuite(suite, dir);
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  test('is the same for one seed and differs between seeds', () => {
    expect(generateSuite({ seed: 7, scale: 0.0002 })).toEqual(suite);
    expect(generateSuite({ seed: 8, scale: 0.0002 }).files).not.toEqual(suite.files);
  });

  test('lists 81 distinct test files, and each of them exists', () => {
    expect(new Set(suite.selected).size).toBe(81);
    expect(suite.selected.filter((path) => !suite.files.has(path))).toEqual([]);
    expect(
      suite.files
        .get('selected.txt')
        ?.split('\n')
        .filter((line) => line !== '' && !line.startsWith('#')),
    ).toEqual(suite.selected);
  });

  test('has the outcomes it announces', async () => {
    const { passed, skipped, xfailed } = suite.tests;
    const { stdout } = await pytest(dir);
    expect(stdout).toMatch(new RegExp(`^${passed} passed, ${skipped} skipped, ${xfailed} xfailed in `, 'm'));
  });

  test('has one test marked serial', async () => {
    const { stdout } = await pytest(dir, ['-m', 'serial', '--strict-markers']);
    expect(stdout).toMatch(/^1 passed, \d+ deselected in /m);
  });
});

test('the small example passes', async () => {
  const { stdout } = await pytest(fileURLToPath(new URL('../../examples/small', import.meta.url)));
  expect(stdout).toMatch(/^9 passed, 1 skipped in /m);
});
