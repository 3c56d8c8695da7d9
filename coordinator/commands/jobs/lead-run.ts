// Coordinates the run of all jobs in one of them: begins it, or takes it over from its log, and stores the verdict for all.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ErrorCode, ShardlineError } from '../../../shared/errors.ts';
import { connect } from '../../../shared/redis/connect.ts';
import { systemClock } from '../../../shared/system/clock.ts';
import { createLogger } from '../../../shared/system/logger.ts';
import { oneLine, plural } from '../../../shared/text/safe-text.ts';
import type { GroupVerdict, RunAgain } from '../../../shared/wire/group.ts';
import { verdictOf } from '../../ci/group.ts';
import { restartedId } from '../../core/decide/restart.ts';
import type { Leadership } from '../../ports.ts';
import { readBaseline } from '../../record/baseline.ts';
import { readableLog } from '../../redis/shared-log.ts';
import { verdictText } from '../../reporters/summary/terminal-summary.ts';
import { originOf } from '../preparation/origin-of.ts';
import type { Setting, SharedRun } from '../run-context.ts';
import { logEndsAfter, type Membership, newVerdict } from './membership.ts';

/** Interval at which the job that leads renews its lease. */
const RENEW_MS = 1000;

/**
 * Resolves with the verdict, or with null once another job has taken over. `again` are the tests that a retry runs; null for the whole
 * suite. Throws what ends this job without a verdict.
 */
export async function leadRun(member: Membership, leadership: Leadership, again: SharedRun['again']): Promise<GroupVerdict | null> {
  const { settings, edge, run: id, leaving, joined, files } = member;
  const out = settings.run.out ?? join(settings.run.workspace, '.shardline', 'runs', id);
  const deposed = new AbortController();
  const ended = new AbortController();
  let verdict: GroupVerdict | null = null;
  const jobs: SharedRun = {
    deposed: deposed.signal,
    leaving,
    again,
    endsAfter: logEndsAfter(member),
    async conclude(report, exitCode) {
      const line = verdictText({ ...report, exitCode });
      const ended = { exitCode, line, files, endedAt: Date.now(), reportDigest: await digestOfFile(join(out, 'report.json')) };
      verdict = newVerdict(member, await leadership.conclude(joined.generation, verdictOf(report, ended)));
    },
    confirm: () => leadership.renew(),
    isConcluded: () => verdict !== null,
  };
  const { run } = settings;
  const logger = createLogger({ level: run.logLevel, file: run.logFile, format: run.logFormat, name: `run ${id}` });
  // Not awaited: a Redis that is lost may keep a renewal waiting, and nothing needs it any more.
  void keep(leadership, deposed, AbortSignal.any([ended.signal, leaving]));
  try {
    const isBegun = await hasLog(member);
    const judgement = { targets: run.targets, baseline: run.baseline === null ? null : await readBaseline(run.baseline, edge.cwd) };
    const setting: Setting = {
      settings: { ...run, resume: isBegun ? id : null },
      edge,
      id,
      startedAt: Math.round(performance.timeOrigin),
      resumes: () => 0,
      out,
      origin: originOf(run.workspace, edge),
      judgement,
      logger,
      trust: member.trust,
      jobs,
    };
    const interrupts = { requested: new AbortController().signal, forced: AbortSignal.any([deposed.signal, leaving]) };
    if (again !== null && !isBegun) edge.stderr.write(`shardline: retry: ${againWords(again)}\n`);
    if (isBegun) {
      edge.stderr.write(`shardline: this job now coordinates run ${id} and writes its reports\n`);
      const { resumeRun } = await import('../resume-run.ts');
      await resumeRun(setting, interrupts);
    } else {
      edge.stderr.write(`shardline: this job coordinates run ${id} and writes its reports\n`);
      const { startRun } = await import('../start-run.ts');
      await startRun(setting, interrupts);
    }
    leaving.throwIfAborted();
    return verdict;
  } catch (thrown) {
    if (!leaving.aborted && isOfSuite(thrown)) {
      // Every other job would find the same.
      const [line = ''] = thrown.message.split('\n');
      const refusal = {
        run: id,
        exitCode: thrown.exitCode,
        line: oneLine(line),
        failedOn: null,
        again: null,
        files,
        endedAt: Date.now(),
        reportDigest: null,
      };
      await leadership.conclude(joined.generation, refusal);
    }
    if (leaving.aborted || !isDeposed(thrown, deposed.signal)) throw thrown;
    edge.stderr.write(`shardline: another job now coordinates run ${id}\n`);
    return null;
  } finally {
    ended.abort();
    logger.close();
  }
}

/** In hexadecimal; null if there is no such file. */
async function digestOfFile(path: string): Promise<string | null> {
  const content = await readFile(path).catch(() => null);
  return content === null ? null : createHash('sha256').update(content).digest('hex');
}

function againWords({ failed, notRun }: RunAgain): string {
  const rest = notRun.length === 0 ? '' : `, and ${notRun.length} that did not run`;
  return `re-running ${plural(failed.length, 'test')} that failed${rest}`;
}

/** Renews the lease of all jobs until `signal` aborts, or until another job has it. */
async function keep(leadership: Leadership, deposed: AbortController, signal: AbortSignal): Promise<void> {
  try {
    for (;;) {
      await leadership.renew();
      await systemClock.wait(RENEW_MS, signal);
    }
  } catch (thrown) {
    // What else ends the renewals, such as a lost Redis, also ends the run, which reports it.
    if (thrown instanceof ShardlineError && thrown.code === 'taken-over') deposed.abort(thrown);
  }
}

/** Whether an earlier coordinator has begun the run. A run that restarted has its log under its second id. */
async function hasLog({ settings: { run }, run: id, leaving }: Membership): Promise<boolean> {
  const waitMs = run.redisWaitSeconds * 1000;
  const redis = await connect(run.redis, `shardline:run:${id}`, {
    tls: run.redisTls,
    patienceMs: waitMs,
    brokenMs: waitMs,
    signal: leaving,
  });
  try {
    for (const each of [restartedId(id), id]) if ((await readableLog(redis, each).last()) !== null) return true;
    return false;
  } finally {
    redis.disconnect();
  }
}

/** Errors of arguments and of the suite, which do not depend on the machine. */
const SUITE_ERRORS: readonly ErrorCode[] = ['bad-paths', 'unsupported-option', 'plugin-without-xdist', 'outside-root', 'bad-selected-file'];
const isOfSuite = (thrown: unknown): thrown is ShardlineError => thrown instanceof ShardlineError && SUITE_ERRORS.includes(thrown.code);

/** Whether the run of this job ended because another job coordinates it. */
const isDeposed = (thrown: unknown, deposed: AbortSignal): boolean =>
  deposed.aborted || (thrown instanceof ShardlineError && ['taken-over', 'run-is-served', 'out-in-use'].includes(thrown.code));
