// Reads the URL of a Redis, explains what is wrong with one, and never shows a secret.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressOf } from '../../shared/redis/connect.ts';
import { readRedisUrl, safeUrl } from '../../shared/settings/redis-url.ts';

describe('readRedisUrl', () => {
  test.each([
    ['redis://host', { host: 'host', port: 6379, database: 0, isTls: false, username: null, password: null }],
    ['rediss://u:p%40%2F%25@[::1]:7/3', { host: '::1', port: 7, database: 3, isTls: true, username: 'u', password: 'p@/%' }],
    ['redis://:p@ss@host/?db=2', { host: 'host', database: 2, password: 'p@ss' }],
    ['redis://host:6379/\n', { host: 'host', database: 0 }],
    [
      'redis+sentinel://u:p%40@h1:1,[::1],h2/my.master/3',
      {
        kind: 'sentinel',
        sentinels: [
          { host: 'h1', port: 1 },
          { host: '::1', port: 26379 },
          { host: 'h2', port: 26379 },
        ],
        name: 'my.master',
        database: 3,
        username: 'u',
        password: 'p@',
        isTls: false,
      },
    ],
    [
      'rediss+cluster://u:p@h1:7000,h2/',
      {
        kind: 'cluster',
        servers: [
          { host: 'h1', port: 7000 },
          { host: 'h2', port: 6379 },
        ],
        username: 'u',
        password: 'p',
        isTls: true,
      },
    ],
    [
      'rediss+sentinel://h/m',
      { kind: 'sentinel', name: 'm', database: 0, password: null, isTls: true, sentinelUsername: null, sentinelPassword: null },
    ],
    [
      'redis+sentinel://:p@h/m/2?sentinel_password=a%26%40+b&sentinel_username=u',
      { kind: 'sentinel', name: 'm', database: 2, password: 'p', sentinelUsername: 'u', sentinelPassword: 'a&@+b' },
    ],
    ['redis+sentinel://h/m?sentinel_password=p', { kind: 'sentinel', name: 'm', password: null, sentinelPassword: 'p' }],
    ['unix:///tmp/a%20b?db=4', { kind: 'socket', path: '/tmp/a b', database: 4 }],
  ])('reads %j', (text, address) => {
    expect(readRedisUrl(text)).toMatchObject(address);
  });

  test.each([
    ['', 'empty', 'redis://host:port'],
    ['host:6379', 'begin with', 'redis://host:port'],
    ['http://:s3cret@host', 'begin with', 'redis://host:port'],
    ['redis://', 'no host', 'redis://host:port'],
    ['unix:', 'no path', 'unix:///path'],
    ['redis://host/s3cret', 'database is not a number', 'host:6379/0'],
    ['redis://host/1/s3cret', 'database is not a number', 'host:6379/0'],
    ['unix:///tmp/s?db=s3cret', 'database is not a number', 'host:6379/0'],
    ['redis://host?password=s3cret', 'parameters other than db', 'Leave them out'],
    ['redis://pct:s3cret%@host', 'percent-encoding', '%25 for %'],
    ['redis://pct:%zzs3cret@host', 'percent-encoding', '%25 for %'],
    ['redis://:s3c/ret@host', 'could not be parsed', '%2F for /'],
    ['redis://user:12/s3cret@host:6379/0', 'ends the host', '%2F for /'],
    ['redis://user:12?s3cret@host', 'ends the host', '%3F for ?'],
    ['redis://user:12#s3cret@host', 'ends the host', '%23 for #'],
    ['redis://:s3cret s3cret@host', 'white space', 'Percent-encode'],
    ['redis+sentinel://h1:26379,h2:26379', 'name of a group', '/NAME'],
    ['redis+cluster://h1,h2/1', 'only database 0', 'without a database'],
    ['redis+cluster://h1,/', 'one of its hosts', 'without a database'],
    ['redis+sentinel://h1:26379,,h2/m', 'one of its hosts', '/NAME'],
    ['redis+sentinel://h1:99999/m', 'one of its hosts', '/NAME'],
    ['redis+sentinel://u:s3c/ret@h1/m', 'ends the host', '%2F for /'],
    ['redis+sentinel://u:%zzs3cret@h1/m', 'percent-encoding', '%25 for %'],
    ['redis+sentinel://h1/m?password=s3cret', 'parameters other than sentinel_username', 'Leave them out'],
    ['redis+sentinel://h1/m?sentinel_password=s3cret&sentinel_password=s3c', 'parameters other than', 'Leave them out'],
    ['redis+sentinel://h1/m?sentinel_password=%zzs3cret', 'percent-encoding', '%25 for %'],
    ['redis+sentinel://h1/m?sentinel_password=s3c#ret', 'ends the host', '%23 for #'],
    ['redis+cluster://h1/?sentinel_password=s3cret', 'nothing may follow', 'without a database'],
    ['redis://:s3cret@host:99999', 'could not be parsed', 'redis://host:port'],
  ])('refuses %j without showing a secret', (text, problem, fix) => {
    const read = readRedisUrl(text);
    expect(read).toMatchObject({ kind: 'bad', problem: expect.stringContaining(problem), fix: expect.stringContaining(fix) });
    expect(JSON.stringify(read) + safeUrl(text)).not.toMatch(/s3c/);
  });

  test('reads every percent-encoded password', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (password) => {
        expect(readRedisUrl(`redis://:${encodeURIComponent(password)}@host`)).toMatchObject({ kind: 'tcp', password, host: 'host' });
      }),
    );
  });

  test('never throws, for any text', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('', 'redis://', 'rediss://:', 'unix://', 'redis+sentinel://', 'redis+sentinel://u:', 'redis+cluster://'),
        fc.string({ unit: 'binary' }),
        (start, text) => {
          readRedisUrl(start + text);
          safeUrl(start + text);
        },
      ),
    );
  });
});

test('TLS gets the name of a host as its server name, but no address, which TLS forbids', () => {
  expect(addressOf('rediss://cache.example')).toMatchObject({ tls: { servername: 'cache.example' } });
  for (const host of ['127.0.0.1', '[::1]']) expect(addressOf(`rediss://${host}`).tls).toEqual({});
  expect(addressOf('redis://127.0.0.1')).not.toHaveProperty('tls');
});

describe('safeUrl', () => {
  test('never shows a password, wherever it is in the URL', () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9!$&*+,;=~%:@/?#]{6,20}$/);
    fc.assert(
      fc.property(secret, fc.constantFrom('', 'user'), (password, user) => {
        expect(safeUrl(`rediss://${user}:${encodeURIComponent(password)}@host:6379/1`)).toBe(
          `rediss://${user === '' ? '' : 'user@'}host:6379/1`,
        );
        expect(safeUrl(`redis://${user}:${password}@host`)).not.toContain(password);
        expect(safeUrl(`redis://${encodeURIComponent(password)}@host`)).toBe('redis://host');
        expect(safeUrl(`${password}@host`)).not.toContain(password);
        expect(safeUrl(`redis://host?password=${encodeURIComponent(password)}`)).toBe('redis://host');
      }),
    );
  });

  test('shows the address of a server', () => {
    expect(safeUrl('redis+sentinel://u:p@h1:1,h2/m/0')).toBe('redis+sentinel://u@h1:1,h2/m/0');
    expect(safeUrl('redis+cluster://u:p@h1:1,h2')).toBe('redis+cluster://u@h1:1,h2');
    expect(safeUrl('redis+sentinel://p@h1/m')).toBe('redis+sentinel://h1/m');
    expect(safeUrl('redis+sentinel://u:p@h1/m/1?sentinel_username=u&sentinel_password=p')).toBe('redis+sentinel://u@h1/m/1');
    expect(safeUrl('unix:///tmp/s?db=1')).toBe('unix:///tmp/s?db=1');
    expect(safeUrl('rediss://[::1]:7/2')).toBe('rediss://[::1]:7/2');
  });
});
