// Which repositories an agent fetches from, and how it recognizes the files that determine an environment.

import { expect, test } from 'vitest';
import { isAllowedRepository, protocolOf } from '../../../agent/core/allowed-repository.ts';
import { lockFilesIn } from '../../../agent/core/lock-files.ts';
import { isInnerDirectory, isRepositoryPattern, withoutCredentials } from '../../../shared/domain/run-source.ts';
import { decodeSpec, encodeSpec } from '../../../shared/wire/run-spec.ts';
import { NO_VERIFIER } from '../../../shared/wire/signature.ts';
import { opened } from '../core/run-kit.ts';

const allowed = ['https://git.example/team/*', 'git@git.example:other/app.git', '/srv/git/*'];

test.each([
  ['https://git.example/team/app.git', true],
  ['https://git.example/team/group/app', true],
  ['git@git.example:other/app', true],
  ['/srv/git/app.git', true],
  ['https://git.example/team/', false],
  ['https://git.example/team/../evil/app.git', false],
  ['https://git.example/team/%2e%2e/evil/app.git', false],
  ['https://git.example/team//app.git', false],
  ['https://git.example/teams/app.git', false],
  ['https://git.example.evil.example/team/app.git', false],
  ['https://user@git.example/team/app.git', false],
  ['http://git.example/team/app.git', false],
  ['git@git.example:other/app.git.evil', false],
  ['/srv/git/../../etc', false],
  ['--upload-pack=touch /tmp/x', false],
  ['ext::sh -c touch% /tmp/x', false],
  ['https://git.example/team/app.git\n', false],
])('decides whether to fetch from %j: %s', (repository, expected) => {
  expect(isAllowedRepository(repository, allowed)).toBe(expected);
});

test.each(['ext::sh', '-x', '*', 'https://*', 'https://git.*/team/*', 'ext::*', 'ext::/*'])(
  'does not accept %j as a pattern',
  (pattern) => {
    expect(isRepositoryPattern(pattern)).toBe(false);
    expect(isAllowedRepository('ext::/bin/sh', [pattern])).toBe(false);
  },
);

test.each([...allowed, 'https://git.example/*', 'ssh://git@git.example/app.git'])('accepts %j as a pattern', (pattern) => {
  expect(isRepositoryPattern(pattern)).toBe(true);
});

test.each([
  ['https://git.example/app.git', 'https'],
  ['git@git.example:app.git', 'ssh'],
  ['ssh://git@git.example/app.git', 'ssh'],
  ['file:///srv/app.git', 'file'],
  ['/srv/app.git', 'file'],
])('git may fetch %s only over %s', (repository, protocol) => {
  expect(protocolOf(repository)).toBe(protocol);
});

test.each([
  ['https://user:secret@git.example/app.git', 'https://git.example/app.git'],
  ['https://se:cr@et@git.example/app.git', 'https://git.example/app.git'],
  ['https://token@git.example/app.git', 'https://git.example/app.git'],
  ['ssh://git:secret@git.example/app.git', 'ssh://git@git.example/app.git'],
  ['git@git.example:app.git', 'git@git.example:app.git'],
  ['https://git.example/a@b.git', 'https://git.example/a@b.git'],
])('sends %s without its credentials', (repository, expected) => {
  expect(withoutCredentials(repository)).toBe(expected);
});

test.each([
  ['', true],
  ['packages/app/', true],
  ['packages', false],
  ['../', false],
  ['a/../../', false],
  ['/etc/', false],
  ['.git/', false],
])('takes %j as a directory of a repository: %s', (directory, expected) => {
  expect(isInnerDirectory(directory)).toBe(expected);
});

test('finds lock files by path and pattern', () => {
  const tree = [
    '100644 blob 1\tuv.lock',
    '100644 blob 2\tsub/uv.lock',
    '100644 blob 3\trequirements-dev.txt',
    '100644 blob 4\tuvxlock',
    '',
  ];
  expect(lockFilesIn(tree.join('\0'), ['uv.lock', 'requirements*.txt', 'sub/*.lock'])).toEqual(tree.slice(0, 3));
});

test.each([
  [{ commit: 'HEAD' }],
  [{ commit: 'A'.repeat(40) }],
  [{ commit: `${'1'.repeat(40)}\n` }],
  [{ commit: '--upload-pack=x' }],
  [{ repository: '-oProxyCommand=x' }],
  [{ directory: '../' }],
])('a run with the source %j cannot be read', (wrong) => {
  const right = { repository: 'https://git.example/app.git', commit: '1'.repeat(40), directory: '' };
  const { spec } = opened([]);
  const reader = { pool: spec.pool, run: spec.runId, verifier: NO_VERIFIER };
  expect(decodeSpec(encodeSpec({ ...spec, source: right }), reader, 'test').source).toEqual(right);
  expect(() => decodeSpec(encodeSpec({ ...spec, source: { ...right, ...wrong } }), reader, 'test')).toThrow(/must be/);
});
