// Shardline's own directories: made without Node's recursive mkdir, ignored by git, and private temporary ones even when TMPDIR is unusable.

import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { makeDirectory } from '../../../shared/system/files/make-directory.ts';
import { makeTempDirectory } from '../../../shared/system/files/temp-directory.ts';
import { createLogger } from '../../../shared/system/logger.ts';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shardline-test-dirs-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe('makeDirectory', () => {
  test('makes missing directories with the given mode and accepts existing ones', () => {
    const path = join(directory, 'a', 'b', 'c');
    makeDirectory(path, 0o700);
    makeDirectory(path);
    for (const each of [path, dirname(path)]) expect(statSync(each).mode & 0o777).toBe(0o700);
  });

  test.runIf(existsSync('/proc'))('refuses /proc/foo at once, where a recursive mkdir never returns', () => {
    for (const path of ['/proc/foo', '/proc/foo/bar', '/proc/self/foo']) expect(() => makeDirectory(path)).toThrow(/ENOENT|EACCES|EPERM/);
  });

  test('refuses a file in the path and a dangling link', () => {
    writeFileSync(join(directory, 'file'), '');
    symlinkSync(join(directory, 'nowhere'), join(directory, 'link'));
    expect(() => makeDirectory(join(directory, 'file'))).toThrow('is not a directory');
    expect(() => makeDirectory(join(directory, 'file', 'out'))).toThrow('is not a directory');
    expect(() => makeDirectory(join(directory, 'link'))).toThrow('EEXIST');
    expect(() => makeDirectory(join(directory, 'link', 'out'))).toThrow('EEXIST');
  });

  test('gives .shardline its own .gitignore and leaves an existing one alone', () => {
    const ignore = join(directory, '.shardline', '.gitignore');
    makeDirectory(join(directory, '.shardline', 'runs'));
    expect(readFileSync(ignore, 'utf8')).toBe('*\n');
    writeFileSync(ignore, '!timings.json\n');
    makeDirectory(join(directory, '.shardline'));
    expect(readFileSync(ignore, 'utf8')).toBe('!timings.json\n');
  });
});

describe('makeTempDirectory', () => {
  const made = (tmp: string): string => {
    vi.stubEnv('TMPDIR', tmp);
    return makeTempDirectory('shardline-test-');
  };
  const remove = (path: string): Promise<void> => rm(path, { recursive: true });

  test('uses TMPDIR and makes a relative one absolute', async () => {
    vi.spyOn(process, 'cwd').mockReturnValue(directory);
    for (const tmp of [directory, '.']) {
      const path = made(tmp);
      expect(dirname(path)).toBe(directory);
      expect(statSync(path).mode & 0o777).toBe(0o700);
      await remove(path);
    }
  });

  test('falls back to the system default when TMPDIR is missing, a file, or too long for a socket', async () => {
    writeFileSync(join(directory, 'tmp-file'), '');
    const long = join(directory, 'x'.repeat(80));
    makeDirectory(long);
    for (const tmp of [join(directory, 'missing'), join(directory, 'tmp-file'), 'missing/relative', long]) {
      const path = made(tmp);
      expect(isAbsolute(path)).toBe(true);
      expect(dirname(path)).toBe('/tmp');
      await remove(path);
    }
  });
});

describe('the log', () => {
  test.runIf(existsSync('/dev/full'))('gives up on a full disk with one warning, and ends nothing', () => {
    const said: string[] = [];
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
    const logger = createLogger({ level: 'debug', file: '/dev/full', name: 'test' });
    for (let index = 0; index < 3; index += 1) logger.info({}, 'something happened');
    logger.close();
    expect(said).toEqual([expect.stringMatching(/^shardline: warning: could not write the log to \/dev\/full: ENOSPC/)]);
  });

  test.runIf(existsSync('/proc'))('is refused at once in a directory that cannot be made', () => {
    expect(() => createLogger({ level: 'warn', file: '/proc/foo/log', name: 'test' })).toThrow(
      expect.objectContaining({ code: 'output-not-writable' }),
    );
  });
});
