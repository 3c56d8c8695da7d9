// The values and helpers that the steps of one run share.

import { resolve } from 'node:path';
import type { RunId } from '../../shared/domain/ids.ts';
import type { Report, RunOrigin } from '../../shared/domain/report.ts';
import type { RunSettings } from '../../shared/settings/settings.ts';
import { systemClock } from '../../shared/system/clock.ts';
import type { Edge } from '../../shared/system/edge.ts';
import type { Logger } from '../../shared/system/logger.ts';
import { runsOf } from '../../shared/system/run-place.ts';
import type { RunAgain } from '../../shared/wire/group.ts';
import type { Judgement } from '../core/result/judge.ts';
import type { RunChannel } from '../ports.ts';
import { type Places, placesIn, shortest } from '../report-places.ts';
import type { Interrupts } from '../run-loop.ts';
import type { RunTrust } from './preparation/run-trust.ts';

/** How long a finished run waits for Redis to delete it, or to save its durations. */
export const CLOSE_MS = 2000;

/** Interval at which a run renews its lease while no loop does. */
const RENEW_MS = 1000;

/** The same limit under a deadline: a share of the time left, because the report comes after it. */
export function closeMs({ settings, startedAt }: Pick<Setting, 'settings' | 'startedAt'>): number {
  if (settings.deadlineSeconds === null) return CLOSE_MS;
  const leftMs = startedAt + settings.deadlineSeconds * 1000 - Date.now();
  return Math.min(CLOSE_MS, Math.max(0, leftMs / 4));
}

/** The values of one run that stay the same from beginning to end. */
export interface Setting {
  readonly settings: RunSettings;
  readonly edge: Edge;
  readonly id: RunId;
  readonly startedAt: number;
  /**
   * How often the run was resumed, this time included. Agents that are started now need other names than earlier ones. The count is final
   * once the run is open, because another command may resume the run while this one waits for it.
   */
  readonly resumes: () => number;
  readonly out: string;
  /** Never rejects. */
  readonly origin: Promise<RunOrigin>;
  /** Targets and baseline that the report judges the run by. */
  readonly judgement: Judgement;
  readonly logger: Logger;
  readonly trust: RunTrust;
  /** The other jobs that share this run; null for a run of one command. */
  readonly jobs: SharedRun | null;
}

/** A run that several CI jobs share, as the job that coordinates it sees it. */
export interface SharedRun {
  /** Aborts when another job has taken the run over, with the error as its reason. */
  readonly deposed: AbortSignal;
  /** Aborts when this job must end, while the others go on with the run. */
  readonly leaving: AbortSignal;
  /** What a retry runs, and where that is; null for the whole suite. */
  readonly again: (RunAgain & { readonly paths: readonly string[] }) | null;
  /**
   * A log in Redis that ends before this time is that of an earlier run of the same name, in milliseconds since the epoch; null if no other
   * run can have the name.
   */
  readonly endsAfter: number | null;
  /** Checks that this job still coordinates the run. Throws `taken-over`. */
  confirm(): Promise<void>;
  /** Publishes how the run ended, for every job of it. Throws `taken-over`. */
  conclude(report: Report, exitCode: number): Promise<void>;
  /** Whether all jobs know how the run ended, so that it can be deleted. */
  readonly isConcluded: () => boolean;
}

/** Where the run leaves its files, as the folder in which the command was started names them. */
export const placesOf = ({ out, edge, settings, id }: Pick<Setting, 'out' | 'edge' | 'settings' | 'id'>): Places =>
  placesIn(shortest(out, edge.cwd), isUsualOut({ out, settings, id }));

/** Whether `run --failed` and `report` find the run by themselves: it is in the workspace's folder of runs, and not in a CI job's. */
export const isUsualOut = ({ out, settings, id }: Pick<Setting, 'out' | 'settings' | 'id'>): boolean =>
  resolve(out) === resolve(runsOf(settings.workspace), id);

/** Aborts once the preparation of a run need not go on. */
export const endOf = ({ requested, forced }: Interrupts): AbortSignal => AbortSignal.any([requested, forced]);

/** Waits for a limited time, so that the following steps do not hang on a server that is gone. */
export async function within(ms: number, work: Promise<void>): Promise<void> {
  if (await endsWithin(ms, work)) await work;
}

/** Resolves with true if the work settled, successfully or not, within `ms`. */
export async function endsWithin(ms: number, work: Promise<unknown>): Promise<boolean> {
  const late = new AbortController();
  const limit = systemClock.wait(Math.max(0, ms), late.signal).then(
    () => false,
    () => false,
  );
  const ended = work.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([ended, limit]);
  } finally {
    late.abort();
  }
}

/** Waits for `work`, at most `ms`, and renews the lease of the run meanwhile, because its loop has ended. Throws `taken-over`. */
export async function holdRun(channel: Pick<RunChannel, 'confirm'>, ms: number, work: Promise<void>): Promise<void> {
  const until = performance.now() + ms;
  const leftMs = (): number => until - performance.now();
  while (!(await endsWithin(Math.min(RENEW_MS, leftMs()), work)) && leftMs() > 0) await within(leftMs(), channel.confirm());
}
