import { chown, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asUser, giveTo, letEnter, openOwned } from '../../../shared/system/other-user.ts';

const other = { name: 'other', uid: 65_534, gid: 65_534, home: '/home/other' };
const isRoot = process.getuid?.() === 0;
let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'shardline-test-user-'));
  await writeFile(join(dir, 'own'), 'content');
  await symlink('own', join(dir, 'link'));
});
afterAll(() => rm(dir, { recursive: true }));

test('opens a file, but no link to one and no directory', async () => {
  const { file, size } = await openOwned(null, join(dir, 'own'));
  await file.close();
  expect(size).toBe(7);
  await expect(openOwned(null, join(dir, 'link'))).rejects.toThrow('ELOOP');
  await expect(openOwned(null, dir)).rejects.toThrow('is not a file');
});

test.skipIf(!isRoot)('opens no file that belongs to another user than the one who wrote it', async () => {
  await expect(openOwned(other, join(dir, 'own'))).rejects.toThrow('own is not a file of other');
  await writeFile(join(dir, 'given'), 'x');
  await chown(join(dir, 'given'), other.uid, other.gid);
  await (await openOwned(other, join(dir, 'given'))).file.close();
});

test.skipIf(!isRoot)('lets the user enter a directory, and gives it files in it', async () => {
  await letEnter(other, dir);
  const entered = await stat(dir);
  expect([entered.uid, entered.gid, entered.mode & 0o777]).toEqual([0, other.gid, 0o710]);
  await writeFile(join(dir, 'session'), '');
  await giveTo(other, join(dir, 'session'), 0o400);
  const given = await stat(join(dir, 'session'));
  expect([given.uid, given.gid, given.mode & 0o777]).toEqual([other.uid, other.gid, 0o400]);
});

test('the environment of the user has no setting of shardline, and its own home', () => {
  const environment = {
    PATH: '/bin',
    CI: 'true',
    HOME: '/root',
    USER: 'root',
    SHARDLINE_REDIS_URL: 'redis://:secret@h',
    SUDO_USER: 'x',
    XDG_RUNTIME_DIR: '/run/user/0',
    TMPDIR: '/root/tmp',
  };
  const { env, uid, gid, extendEnv } = asUser(other, environment) as Required<ReturnType<typeof asUser>>;
  expect(env).toEqual({ PATH: '/bin', CI: 'true', HOME: '/home/other', USER: 'other', LOGNAME: 'other' });
  expect([uid, gid, extendEnv]).toEqual([65_534, 65_534, false]);
  expect(asUser(null, environment)).toEqual({});
});
