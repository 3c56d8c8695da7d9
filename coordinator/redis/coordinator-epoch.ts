// What a coordinator may do in its epoch of a run: every write carries the epoch, and a coordinator with a lower epoch can change nothing.
// Each look renews the lease, so that no command takes the run over while its coordinator answers.

import type { Redis } from 'ioredis';
import type { AgentId, RunId } from '../../shared/domain/ids.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { KEY_LIFE_SECONDS, type RunKeys } from '../../shared/redis/keys.ts';
import { retryWhileUnavailable } from '../../shared/redis/retry-while-unavailable.ts';
import { agentIdSchema, readId } from '../../shared/wire/parse.ts';
import { LEASE_MS } from '../lease-claim.ts';
import type { CoordinatorLease } from './coordinator-lease.ts';
import { readScript } from './read-script.ts';

const RENEW = readScript('renew-lease');
const RESTORE = readScript('restore-run');
const LOOK = readScript('look');
const SEND = readScript('send-command');
const END = readScript('end-run');

/** One look found the run missing, in an earlier state than the last look, or here with its living agents and what each holds. */
export type Found =
  | { readonly kind: 'missing' }
  | { readonly kind: 'earlier' }
  | { readonly kind: 'here'; readonly isCancelled: boolean; readonly agents: ReadonlyMap<AgentId, readonly string[]> };

export interface CoordinatorEpoch {
  /** True if the run existed before. */
  readonly isFound: boolean;
  /** The number of this coordinator; each one has a higher number than those before it. */
  readonly number: number;
  /** Renews the lease. True if the run exists. Throws `taken-over`. */
  holds(): Promise<boolean>;
  look(): Promise<Found>;
  /** Sends what `encode` makes of the number of the command. */
  send(encode: (number: number) => string): Promise<void>;
  /** Creates the run's keys again after Redis has lost them. Throws `taken-over`. */
  restore(): Promise<void>;
  /** Deletes these keys of the run. Throws `taken-over`. */
  end(keys: readonly string[]): Promise<void>;
}

/** The epoch that began with this lease. `spec` is the encoded spec that agents read. */
export function coordinatorEpoch(redis: Redis, runId: RunId, keys: RunKeys, spec: string, lease: CoordinatorLease): CoordinatorEpoch {
  const { epoch, isFound, holder } = lease;
  let looks = 0;
  let answered = 0;
  let commands = 0;
  const takenOver = (): ShardlineError => new ShardlineError('taken-over', { runId });

  return {
    isFound,
    number: epoch,

    async holds() {
      const renewed = await retryWhileUnavailable(() => redis.eval(RENEW, 1, keys.coordinator, epoch, LEASE_MS));
      if (renewed === -1) throw takenOver();
      return renewed === 1;
    },

    async look() {
      looks += 1;
      const number = looks;
      const known = answered;
      const looked = [keys.spec, keys.coordinator, keys.agents, keys.holding];
      const answer: unknown = await retryWhileUnavailable(() =>
        redis.eval(LOOK, looked.length, ...looked, ...[epoch, number, LEASE_MS, KEY_LIFE_SECONDS]),
      );
      const [code, before, cancelled, ...pairs] = Array.isArray(answer) ? answer.map(String) : [];
      if (code === '-1') throw takenOver();
      if (code === '0') return { kind: 'missing' };
      answered = Math.max(answered, number);
      if (Number(before) < known) return { kind: 'earlier' };
      const agents = new Map<AgentId, readonly string[]>();
      for (let at = 0; at + 1 < pairs.length; at += 2) {
        const held = (pairs[at + 1] ?? '').split(' ').filter((id) => id !== '');
        for (const agent of readId(agentIdSchema, pairs[at])) agents.set(agent, held);
      }
      return { kind: 'here', isCancelled: cancelled === '1', agents };
    },

    async send(encode) {
      commands += 1;
      const number = commands;
      const command = encode(number);
      const sent = await retryWhileUnavailable(() =>
        redis.eval(SEND, 2, keys.coordinator, keys.control, epoch, number, command, KEY_LIFE_SECONDS),
      );
      if (sent === -1) throw takenOver();
    },

    async restore() {
      const argv = [spec, KEY_LIFE_SECONDS, epoch, answered, holder, LEASE_MS];
      const restored = await retryWhileUnavailable(() => redis.eval(RESTORE, 2, keys.spec, keys.coordinator, ...argv));
      if (restored === 0) throw takenOver();
    },

    async end(own) {
      if ((await retryWhileUnavailable(() => redis.eval(END, 1 + own.length, keys.coordinator, ...own, epoch))) === -1) throw takenOver();
    },
  };
}
