// What comes from elsewhere is named by its content: actions by commit, images by digest.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../scripts/process.ts';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const filesIn = (folder: string): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));

test('every action is named by the commit of one release, with its tag in a comment', () => {
  const paths = ['.github', 'docs', 'coordinator/audit/page'].flatMap(filesIn).filter((path) => /\.(ya?ml|md|ts)$/.test(path));
  const uses = paths.flatMap((path) =>
    [...read(path).matchAll(/uses: (actions\/[^'\n]*)/g)].map(([, use = '']) => {
      const [, action = '', commit = '', tag = ''] = /^(actions\/[\w-]+)[\w/-]*@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)$/.exec(use) ?? [];
      return { path, use, action, release: `${commit} ${tag}` };
    }),
  );
  expect(uses.length).toBeGreaterThan(10);
  expect(uses.filter(({ action }) => action === '')).toEqual([]);
  const releases = new Map<string, Set<string>>();
  for (const { action, release } of uses) releases.set(action, (releases.get(action) ?? new Set()).add(release));
  expect([...releases].filter(([, found]) => found.size > 1)).toEqual([]);
});

test('the workflow for GitHub names no action by a tag', () => {
  expect(read('coordinator/init/workflows/github.ts')).not.toMatch(/uses: '/);
});

test('every image of docker/ is named by its digest, and the base is the same everywhere', () => {
  const texts = filesIn('docker').filter((path) => /Dockerfile$|\.yaml$/.test(path) && path !== 'docker/redis.Dockerfile');
  const images = texts.flatMap((path) =>
    [...read(path).matchAll(/(?:_IMAGE:-|ARG BASE=)([^}\s]+)/g)].map(([, image = '']) => ({ path, image })),
  );
  expect(images.length).toBeGreaterThanOrEqual(4);
  expect(images.filter(({ image }) => !/^[a-z]+:[\w.-]+@sha256:[0-9a-f]{64}$/.test(image))).toEqual([]);
  expect(new Set(images.filter(({ image }) => image.startsWith('node:')).map(({ image }) => image)).size).toBe(1);
});

test('the accounts of docker/tls are those of docs/redis.md', () => {
  const documented = [...read('docs/redis.md').matchAll(/^ACL SETUSER (shardline-\S+) reset on >PASSWORD (.*)$/gm)];
  expect(documented).toHaveLength(2);
  for (const [, name, rights] of documented) expect(read('docker/tls/users.acl')).toContain(`user ${name} on #{${name}} ${rights}\n`);
});
