// Turns the failure of a first connection into an error from the table.

import { CLOSED_FOR_GOOD, messageOf, reasonOf, ShardlineError } from '../errors.ts';
import { readRedisUrl, safeUrl } from '../settings/redis-url.ts';
import type { TlsFiles } from '../settings/settings.ts';
import { tlsHint, tlsProblem } from './tls.ts';

export interface FailedConnection {
  readonly url: string;
  readonly tls: TlsFiles | undefined;
  /** The error of the connection, or of the command that waited for it if the connection reported none. */
  readonly failure: unknown;
  /** The error of a Sentinel, or of a server of a cluster, if none of them answers; null if one does. */
  readonly ofHosts: unknown;
  /** The error of the command that waited for the connection. */
  readonly thrown: unknown;
  readonly seconds: number;
}

/** The server's errors for an unknown account, and for a known account without the permission. */
const REFUSED = /NOAUTH|WRONGPASS|NOPERM|invalid password|invalid username|Client sent AUTH|AUTH <password> called/i;

/** The server's errors when a SELECT names a database that does not exist. */
const NO_DATABASE = /DB index|SELECT is not allowed|invalid DB/i;

/** ioredis's errors when the reply does not follow the Redis protocol. */
const NOT_REDIS = /Unknown RESP type|Protocol error/i;

/** ioredis's error when no Sentinel has named a primary. It ends with the last error of a Sentinel, if there was one. */
const NO_PRIMARY = /^All sentinels are unreachable.*?\.(?: Last error: (.*))?$/s;

/** The error of a Sentinel that does not know the name. */
const NO_GROUP = /No such (?:master|primary)/i;

/** The error of a server that is not a Sentinel. */
const NOT_SENTINEL = /unknown command/i;

/** The error of a server that belongs to no cluster. */
const NOT_CLUSTER = /cluster support disabled/i;

/** ioredis's error when the servers of a cluster answer, but not for all slots. */
const SLOTS_MISSING = /^None of startup nodes is available$/;

/** ioredis's errors for a server that keeps silent. */
const SILENT = /^(timeout|Command timed out|Socket timeout)/;

/** `redis-unreachable`, or a more exact error. */
export function connectError({ url, tls, failure, ofHosts, thrown, seconds }: FailedConnection): ShardlineError {
  const address = readRedisUrl(url);
  const { source, isOfSentinel } = sourceOf(failure, ofHosts);
  const problem = messageOf(source);
  const values = { url: safeUrl(url), problem };
  const cause = { cause: thrown };
  const isTls = 'isTls' in address && address.isTls;
  const handshake = isTls ? tlsProblem(source, tls) : null;
  if (handshake !== null) return new ShardlineError('redis-tls', { url: values.url, ...handshake }, cause);
  if (isOfSentinel) {
    const name = address.kind === 'sentinel' ? address.name : '';
    if (NO_PRIMARY.test(problem) || NO_GROUP.test(problem))
      return new ShardlineError('no-sentinel-group', { url: values.url, name }, cause);
    if (REFUSED.test(problem)) return new ShardlineError('sentinel-auth', values, cause);
    if (NOT_SENTINEL.test(problem)) return new ShardlineError('not-sentinel', { url: values.url }, cause);
  }
  if (NOT_CLUSTER.test(problem)) return new ShardlineError('redis-no-cluster', { url: values.url }, cause);
  if (REFUSED.test(`${problem} ${messageOf(thrown)}`)) return new ShardlineError('redis-auth', values, cause);
  if (NOT_REDIS.test(problem)) return new ShardlineError('not-redis', { url: values.url }, cause);
  if (NO_DATABASE.test(problem)) {
    const database = 'database' in address ? String(address.database) : '';
    return new ShardlineError('redis-no-database', { ...values, database }, cause);
  }
  const reason = reasonIn(problem, source);
  const hint = isTls ? tlsHint(reason, tls) : crowdedHint(reason);
  const after = seconds < 0.05 ? '' : ` (after ${seconds.toFixed(1)} s)`;
  const subject = subjectOf(address.kind, isOfSentinel, problem);
  return new ShardlineError('redis-unreachable', { ...values, problem: `${subject}${reason}${hint}${after}` }, cause);
}

/** ioredis wraps the error of a host, and replaces that of a connection with "Connection is closed.". */
function sourceOf(failure: unknown, ofHosts: unknown): { readonly source: unknown; readonly isOfSentinel: boolean } {
  const [wrapped, last] = NO_PRIMARY.exec(messageOf(failure)) ?? [];
  if (wrapped !== undefined) return { source: ofHosts ?? (last === undefined ? failure : new Error(last)), isOfSentinel: true };
  const ofNode = failure instanceof Error && 'lastNodeError' in failure ? failure.lastNodeError : null;
  return { source: ofHosts ?? ofNode ?? failure, isOfSentinel: false };
}

function reasonIn(problem: string, source: unknown): string {
  if (SILENT.test(problem)) return 'no answer';
  if (SLOTS_MISSING.test(problem)) return 'some slots have no server (cluster_state is fail)';
  return CLOSED_FOR_GOOD.test(problem) ? 'the server closed the connection' : reasonOf(source);
}

/** The start of a sentence that ends with the reason. */
function subjectOf(kind: ReturnType<typeof readRedisUrl>['kind'], isOfSentinel: boolean, problem: string): string {
  if (kind === 'sentinel') return isOfSentinel ? 'no Sentinel answers: ' : 'the Sentinels name a primary that does not answer: ';
  return kind === 'cluster' && !SLOTS_MISSING.test(problem) ? 'no server of the cluster answers: ' : '';
}

/** A server without a connection left closes a new one at once, and its message may be lost. */
const crowdedHint = (problem: string): string =>
  /EPIPE|closed|reset/.test(problem) ? '; it may have no connection left (maxclients)' : '';
