// Which Python versions the jobs that `shardline init` writes run on.

import { expect, test } from 'vitest';
import { namedVersions, needsServer, newest, pythonOfJob, supportedVersion } from '../../../coordinator/init/python-versions.ts';

test.each([
  ['', '3.13'],
  ['>=3.9', '3.13'],
  ['>=3.8, <3.12', '3.11'],
  ['>=3.9,<=3.12', '3.11'],
  ['>=3.9,!=3.13.*', '3.12'],
  ['>=3.9,!=3.13.1', '3.13'],
  ['~=3.9', '3.13'],
  ['~=3.10.2', '3.10'],
  ['==3.10.*', '3.10'],
  ['>=3.14', '3.14'],
  ['>=3.99', '3.99'],
  ['<4', '3.13'],
  ['not a version', '3.13'],
])('a project that requires %s runs on %s', (requires, version) => {
  expect(supportedVersion(requires)).toBe(version);
});

test('only versions before 3.11 need a server', () => {
  expect(['3.9', '3.10', '3.11', '3.14', 'pypy'].filter(needsServer)).toEqual(['3.9', '3.10']);
  expect(newest(['3.9', '3.13', '3.10'])).toBe('3.13');
});

test('reads versions from keys and images, and no expressions', () => {
  const contents = [
    { jobs: [{ 'python-version': ['3.9', `\${{ matrix.x }}`] }, { versionSpec: '3.11.4' }] },
    { image: 'python:3.12-slim' },
    { docker: [{ image: 'cimg/python:3.10' }, { image: 'postgres:16' }] },
  ];
  expect(namedVersions(contents)).toEqual(['3.9', '3.11', '3.12', '3.10']);
});

test.each([
  ['"3.12"', { axis: null, versions: ['3.12'] }],
  [`\${{ matrix.py }}`, { axis: 'py', versions: ['3.9', '3.14'] }],
  [`\${{ inputs.py }}`, { axis: null, versions: [] }],
])('a job that sets up %s', (text, expected) => {
  const expression = text.replaceAll('"', '');
  const fields = { strategy: { matrix: { py: ['3.9'], include: [{ py: '3.14' }] } } };
  expect(pythonOfJob({ fields, before: [{ with: { 'python-version': expression } }] })).toEqual({ expression, ...expected });
});
