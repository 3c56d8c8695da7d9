// Announces a run to the agents before its suite is known, so that they and their pytest start early.

import type { RunSpec } from '../../../shared/domain/run-spec.ts';
import { gitSource } from '../../../shared/system/git-source.ts';
import { printWorkspace } from '../../../shared/system/workspace-print.ts';
import { ciJob } from '../../ci/job.ts';
import type { DeadlineTimes } from '../../core/state/deadline.ts';
import type { DiscoveredSuite, Pools, RunChannel } from '../../ports.ts';
import type { Setting } from '../run-context.ts';
import { drainOf, specOf } from '../run-spec-builder.ts';
import type { Timed } from './both-at-once.ts';
import { addoptsOf } from './part.ts';
import { cacheToShip } from './ship-cache.ts';

export interface Announcement {
  /** Opens the run in these pools. `aheadMs` as for `drainOf`. */
  readonly announce: (pools: Pools, aheadMs: number) => Promise<RunChannel>;
  /** Resolves with what was announced; pending until then. */
  readonly announced: Promise<RunSpec>;
}

/** `discovering` finds pytest's cache, which the announcement may carry to the agents. */
export function announcementOf(
  setting: Setting,
  pytestArgs: readonly string[],
  times: DeadlineTimes | null,
  discovering: Promise<Timed<DiscoveredSuite>>,
): Announcement {
  const { settings, edge } = setting;
  const { workspace } = settings;
  // Started at once: it is part of the announcement, and connecting to Redis takes longer.
  const printing =
    settings.fingerprint === 'off' ? Promise.resolve(null) : printWorkspace(workspace, settings.redis !== null || settings.shard !== null);
  // Discovery reports an unreadable workspace with a better message.
  const print = printing.catch(() => null);
  // Only agents on other machines fetch.
  const finding =
    settings.redis === null ? Promise.resolve(null) : gitSource(workspace, settings.repository, ciJob(edge.env)?.repository ?? null);
  const { promise: announced, resolve } = Promise.withResolvers<RunSpec>();
  return {
    announced,
    async announce(pools, aheadMs) {
      const drain = times === null ? null : drainOf(times, aheadMs);
      const shipped = {
        workspace,
        pytestArgs,
        addopts: addoptsOf(edge),
        warn: (line: string) => void edge.stderr.write(`shardline: ${line}\n`),
      };
      const cache = await cacheToShip(
        shipped,
        discovering.then(({ value }) => value.cache),
      );
      const spec = { ...specOf(setting, pytestArgs, await print, drain, aheadMs), cache, source: await finding };
      resolve(spec);
      return await pools.openRun(spec, { isKnownGone: setting.jobs !== null });
    },
  };
}
