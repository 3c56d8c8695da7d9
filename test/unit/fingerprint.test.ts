import { expect, test } from 'vitest';
import { compareFingerprints, type FilesPrint, type PythonPrint } from '../../shared/domain/suite/fingerprint.ts';

const git = { commit: '1'.repeat(40), directory: '', changedFiles: 0, changes: 'clean' };
const files: FilesPrint = { place: 'here', git, contents: null };
const python: PythonPrint = {
  python: 'cpython 3.12',
  platform: 'linux-x86_64',
  plugins: { pytest: '9.0.0', 'pytest-xdist': '3.8.0' },
  packages: { numpy: '2.1.0' },
  packagesDigest: 'n',
};
const run = { files, python };
const compare = (theirs: { readonly files?: FilesPrint | null; readonly python?: PythonPrint | null }) =>
  compareFingerprints(run, { files: { ...files, place: 'there' }, python, ...theirs });
const withGit = (changes: Partial<typeof git>): { readonly files: FilesPrint } => ({
  files: { place: 'there', git: { ...git, ...changes }, contents: null },
});
const withPython = (changes: Partial<PythonPrint>): { readonly python: PythonPrint } => ({ python: { ...python, ...changes } });

test('equal workspaces on two machines do not differ', () => {
  expect(compare({})).toEqual({ refused: [], warned: [] });
});

test.each([
  ['another commit', withGit({ commit: '2'.repeat(40) }), 'another commit (222222222222; the run has 111111111111)'],
  ['another directory', withGit({ directory: 'lib/' }), 'another directory of the repository (lib/; the run has .)'],
  ['a changed file', withGit({ changedFiles: 1, changes: 'abc' }), 'uncommitted changes in 1 file (the run has none)'],
  ['another Python', withPython({ python: 'cpython 3.11' }), 'another Python (cpython 3.11; the run has cpython 3.12)'],
  ['another platform', withPython({ platform: 'darwin-arm64' }), 'another platform (darwin-arm64; the run has linux-x86_64)'],
  ['another pytest', withPython({ plugins: { ...python.plugins, pytest: '8.4.0' } }), 'pytest 8.4.0 (the run has 9.0.0)'],
  ['a missing plugin', withPython({ plugins: { pytest: '9.0.0' } }), 'no pytest-xdist (the run has 3.8.0)'],
  ['a plugin more', withPython({ plugins: { ...python.plugins, 'pytest-cov': '7.0' } }), 'pytest-cov 7.0 (the run has none)'],
])('refuses %s and names both sides', (_what, theirs, difference) => {
  expect(compare(theirs)).toEqual({ refused: [difference], warned: [] });
});

test('warns of other packages, and names the first five', () => {
  const many = Object.fromEntries(Array.from({ length: 7 }, (_, index) => [`package-${index}`, '1.0']));
  expect(compare(withPython({ packages: many, packagesDigest: 'm' }))).toEqual({
    refused: [],
    warned: [
      'no numpy (the run has 2.1.0); package-0 1.0 (the run has none); package-1 1.0 (the run has none); package-2 1.0 (the run has none); package-3 1.0 (the run has none) and 3 more',
    ],
  });
});

test('distinguishes changes to the same number of files by their digests, and no changes from some', () => {
  const changed = (changedFiles: number, changes: string) => ({
    files: { place: changes, git: { ...git, changedFiles, changes }, contents: null },
    python,
  });
  expect(compareFingerprints(changed(1, 'abc'), changed(1, 'def')).refused).toEqual([
    'other uncommitted changes (1 file, digest def; the run has 1 file, digest abc)',
  ]);
  expect(compareFingerprints(changed(2, 'abc'), changed(0, 'clean')).refused).toEqual([
    'no uncommitted changes (the run has changes in 2 files)',
  ]);
});

test('never compares a directory with itself, whatever tests wrote there meanwhile', () => {
  expect(compare({ files: { place: 'here', git: { ...git, changedFiles: 3, changes: 'new' }, contents: null } })).toEqual({
    refused: [],
    warned: [],
  });
});

test('compares contents unless git knows both workspaces, and warns if contents are unknown too', () => {
  const ours = { files: { ...files, contents: 'c' }, python };
  const theirs = (contents: string | null) => ({ files: { place: 'there', git: null, contents }, python });
  expect(compareFingerprints(ours, theirs('c'))).toEqual({ refused: [], warned: [] });
  expect(compareFingerprints(ours, theirs('d')).refused).toEqual(['other Python or configuration files (digest d; the run has c)']);
  expect(compareFingerprints(ours, theirs(null))).toMatchObject({
    refused: [],
    warned: [expect.stringContaining('could not be compared')],
  });
});

test('warns of an agent without a fingerprint, and compares nothing if the run has none', () => {
  expect(compare({ files: null, python: null })).toMatchObject({
    refused: [],
    warned: [/files are unknown/, /Python is unknown/].map((each) => expect.stringMatching(each)),
  });
  expect(compareFingerprints({ files: null, python: null }, run)).toEqual({ refused: [], warned: [] });
});
