// One CI job of several that share a run: its agent runs tests from start to end, and the job coordinates the run while no other one does.

import { createHash, randomBytes } from 'node:crypto';
import type { AgentId, RunId } from '../../../shared/domain/ids.ts';
import type { FilesPrint } from '../../../shared/domain/suite/fingerprint.ts';
import { messageOf, ShardlineError } from '../../../shared/errors.ts';
import { printInterpreter } from '../../../shared/pytest/interpreter-print.ts';
import { checkServer } from '../../../shared/redis/check-server.ts';
import { connect } from '../../../shared/redis/connect.ts';
import { isForNow, isGivenUp } from '../../../shared/redis/retry-while-unavailable.ts';
import { safeUrl } from '../../../shared/settings/redis-url.ts';
import type { CiSettings, RunSettings } from '../../../shared/settings/settings.ts';
import { systemClock } from '../../../shared/system/clock.ts';
import { type ClosingStack, createClosingStack } from '../../../shared/system/closing-stack.ts';
import type { Edge } from '../../../shared/system/edge.ts';
import { readSelected } from '../../../shared/system/selected.ts';
import { printWorkspace } from '../../../shared/system/workspace-print.ts';
import type { GroupVerdict } from '../../../shared/wire/group.ts';
import type { Signer } from '../../../shared/wire/signature.ts';
import { CLOCK_TOLERANCE_MS } from '../../../shared/wire/trust/certificate.ts';
import { followCancellation } from '../../ci/cancellation.ts';
import { agentOfJob, type GroupIdentity, groupOf, ownExitCode, poolOfGroup, runOfGroup, tooOldMs, toRunAgain } from '../../ci/group.ts';
import { ciJob } from '../../ci/job.ts';
import { suiteName } from '../../discovery/suite-name.ts';
import { type LocalAgents, startLocalAgents } from '../../local-agents.ts';
import type { GroupJob } from '../../ports.ts';
import { type GroupOptions, redisGroup } from '../../redis/ci-group.ts';
import { openLivenessLine } from '../../redis/liveness-line.ts';
import { inMinutes } from '../../reporters/summary/profile-text.ts';
import { agentFlags } from '../bring-up.ts';
import { placesOf } from '../preparation/last-failures.ts';
import { readTrust } from '../preparation/run-trust.ts';
import type { SharedRun } from '../run-context.ts';
import { leadRun } from './lead-run.ts';
import { type Membership, newVerdict } from './membership.ts';

/** Interval of looks for the verdict. With the end of the agent, a job ends within 2 s of it. */
const LOOK_MS = 500;
/** How long the agent may take to leave a run that has ended, and to hand back its tests when the job is cancelled: GitHub kills after 2.5 s. */
const LEAVE_MS = 1000;

/** How often a job that cannot take the run over tries again. */
const MOST_REFUSALS = 3;

/** Resolves with the exit code of this job. Throws a ShardlineError, or an AggregateError of several, if there is nothing to report on. */
export async function joinJobs(settings: CiSettings, edge: Edge): Promise<number> {
  const { requested: leaving, forced, stop } = followCancellation(edge);
  // What is pending then, such as an answer of Redis, may take longer than the provider waits.
  forced.addEventListener('abort', () => setTimeout(() => edge.abandon(2), LEAVE_MS).unref(), { once: true });
  await using opened = createClosingStack();
  try {
    return await join(settings, edge, opened, leaving);
  } catch (thrown) {
    if (leaving.aborted) {
      edge.stderr.write(`shardline: left the run on ${leaving.reason}; the jobs that remain go on with it\n`);
      return 2;
    }
    throw isGivenUp(thrown) ? unreachable(`lost the connection and could not reconnect within ${settings.run.redisWaitSeconds} s`) : thrown;
  } finally {
    stop();
  }
}

async function join(asked: CiSettings, edge: Edge, opened: ClosingStack, leaving: AbortSignal): Promise<number> {
  const { redis: url } = asked.run;
  if (url === null) throw new ShardlineError('internal', { problem: 'no Redis to join the jobs by' });
  const given = { ...asked, run: await withSelected(asked.run, edge) };
  const trust = await readTrust(given.run, edge, true);
  const connected = await connectGroup(given.run, url, opened, leaving);
  const [identity, print, suite] = await Promise.all([
    identityOf(given, edge, leaving),
    printWorkspace(given.run.workspace, true),
    suiteName(given.run.workspace),
  ]);
  const files = digestOf(print);
  const name = groupOf(files, identity);
  const members = redisGroup({
    ...connected,
    ...trust,
    group: name,
    addressOf: (generation) => ({ pool: poolOfGroup(name, generation), run: runOfGroup(name, generation) }),
    doubt: ({ message }) => void edge.stderr.write(`shardline: running the whole suite: ${message}\n`),
  });
  const { isNamedByUser } = identity;
  const job = ownJob(given, edge.env, isNamedByUser, tooOldMs(identity, print.git !== null, given.isFresh));
  const joinedAt = Date.now();
  const found = await withWords(url, members.join(job));
  // Only this job's own word counts for what it was asked to run.
  const joined = { ...found, isFresh: found.isFresh || job.isFresh };
  const run = runOfGroup(name, joined.generation);
  const pool = poolOfGroup(name, joined.generation);
  const settings = { ...given, run: { ...given.run, redis: url, pool, suite, shard: null, plan: null } };
  const agent = agentOfJob(job.place, randomBytes(8).toString('hex'));
  if (joined.verdict !== null) {
    if (trust.verifier.isStrict) requireRecent(joined.verdict, job, run);
    if (joined.verdict.files !== files) throw new ShardlineError('ci-other-files', { runId: run });
    const ago = joined.endedMsAgo === null ? '' : ` ${inMinutes(joined.endedMsAgo / 1000)} ago`;
    const fix = isNamedByUser ? '. Fix: add --fresh to run the suite again' : '';
    edge.stderr.write(`shardline: run ${run} ended${ago}; this job ran no test${fix}\n`);
    return endWith(settings, edge, { verdict: joined.verdict, hasLed: false }, agent);
  }
  if (isNamedByUser && joined.before !== null) {
    edge.stderr.write(`shardline: run ${joined.before.run} with the same --run-id has ended; running the whole suite again\n`);
  }
  edge.stderr.write(`shardline: this job is agent ${agent} of run ${run}, in pool ${pool}\n`);
  const agents = startAgent(settings.run, trust.signer, edge, agent, url);
  opened.use(agents);
  agents.speak((line) => void edge.stderr.write(`${line}\n`));
  const ended = await untilVerdict({ settings, edge, group: members, run, joined, joinedAt, isNamedByUser, trust, files, leaving });
  return endWith(settings, edge, ended, agent);
}

/** How the run of the jobs ended. */
interface Ended {
  readonly verdict: GroupVerdict;
  /** Whether this job coordinated the run to its end. */
  readonly hasLed: boolean;
}

/** Resolves once the run has ended. Leads it meanwhile, whenever no other job does. Throws what ends this job without a verdict. */
async function untilVerdict(member: Membership): Promise<Ended> {
  const { group, leaving } = member;
  const over = new AbortController();
  const until = AbortSignal.any([over.signal, leaving]);
  let isLeading = false;
  let refusals = 0;
  /** Throws the reason of `until`, or what ends this job. */
  const lead = async (): Promise<Ended> => {
    const again = placed(member);
    for (;;) {
      const leadership = await group.lead(until);
      isLeading = true;
      // The job that led before may have ended the run.
      const stored = await storedVerdict(member);
      if (stored !== null) return { verdict: stored, hasLed: false };
      const verdict = await leadRun(member, leadership, again).catch((thrown: unknown) => {
        // The job that led before may have restarted the run just now.
        const isRefused = thrown instanceof ShardlineError && thrown.code === 'nothing-to-resume';
        refusals += 1;
        if (!isRefused || refusals > MOST_REFUSALS) throw thrown;
        return null;
      });
      if (verdict !== null) return { verdict, hasLed: true };
      isLeading = false;
    }
  };
  /** Pending while this job leads, because it then has the report to print. */
  const watch = async (): Promise<Ended> => {
    for (;;) {
      const verdict = isLeading ? null : await storedVerdict(member);
      if (verdict !== null) return { verdict, hasLed: false };
      await systemClock.wait(LOOK_MS, until);
    }
  };
  const [leading, watching] = [lead(), watch()];
  try {
    return await Promise.race([leading, watching]);
  } finally {
    over.abort();
    // A Redis that is lost may keep the watch waiting, and nothing needs it any more.
    watching.catch(() => undefined);
    await leading.catch(() => undefined);
  }
}

async function storedVerdict(member: Membership): Promise<GroupVerdict | null> {
  const verdict = await member.group.verdict(member.joined.generation);
  return verdict === null ? null : newVerdict(member, verdict);
}

/** What a retry runs. A test whose file is not in this workspace, as one that was generated, makes it run the whole suite. */
function placed({ settings: { run }, joined, files }: Membership): SharedRun['again'] {
  const again = toRunAgain(joined, files);
  const paths = again === null ? null : placesOf(run.workspace, [...again.failed, ...again.notRun]);
  return again === null || paths === null ? null : { ...again, paths };
}

/** Prints how the run ended, unless this job has printed its report, and returns the exit code of this job. */
function endWith({ exitsOwn }: CiSettings, { stderr }: Edge, { verdict, hasLed }: Ended, agent: AgentId): number {
  if (!hasLed) stderr.write(`shardline: run ${verdict.run}: ${verdict.line}\n`);
  const exitCode = exitsOwn ? ownExitCode(verdict, agent) : verdict.exitCode;
  if (exitCode !== verdict.exitCode)
    stderr.write(`shardline: no test failed on this job; exiting with ${exitCode} because of --exit-own\n`);
  return exitCode;
}

/** The other jobs of this one's run have the same identity. Throws `bad-option` if nothing names the run. */
async function identityOf({ run, runName }: CiSettings, { env }: Edge, signal: AbortSignal): Promise<GroupIdentity> {
  const job = ciJob(env);
  const names = [job?.run ?? null, runName].filter((name) => name !== null);
  if (names.length === 0) {
    const problem = 'Could not name the run: found no CI provider.';
    throw new ShardlineError('bad-option', { problem, fix: 'Give all jobs of a run the same text: --run-id TEXT.' });
  }
  const python = JSON.stringify(await printInterpreter(run.python, run.workspace, signal));
  const settings = [run.collect, String(run.maxfail), env.PYTEST_ADDOPTS ?? ''];
  return { names, isNamedByUser: job?.run == null, python, pytestArgs: [...run.paths, '--', ...run.pytestArgs], settings };
}

/** Reads the list of tests once: standard input cannot be read again. */
async function withSelected(run: RunSettings, { stdin }: Edge): Promise<RunSettings> {
  if (run.selected === null) return run;
  return { ...run, paths: [...run.paths, ...(await readSelected(run.selected, stdin))], selected: null };
}

/** This job among those of its run. */
function ownJob({ run, isFresh }: CiSettings, env: Edge['env'], isNamedByUser: boolean, tooOld: number | null): GroupJob {
  const job = ciJob(env);
  const attempt = job?.attempt ?? null;
  // A single job of a provider that numbers parallel jobs has no number.
  const place = run.shard?.index ?? job?.place?.index ?? (job !== null && attempt === null ? 1 : null);
  const token = job === null ? null : `${job.job ?? ''}#${attempt ?? ''}`;
  // The next build with the same name is no retry of this one.
  return { place, token, attempt, isFresh: isFresh || isNamedByUser, tooOldMs: tooOld };
}

/** Redis may refuse the first write, as a replica does or a server without memory. */
async function withWords<Value>(url: string, work: Promise<Value>): Promise<Value> {
  return await work.catch((thrown: unknown) => {
    if (!isForNow(thrown)) throw thrown;
    throw new ShardlineError('ci-without-redis', { problem: `${safeUrl(url)}: ${messageOf(thrown)}` }, { cause: thrown });
  });
}

/** Connects to the Redis of all jobs. Throws `ci-without-redis`. */
async function connectGroup(
  run: RunSettings,
  url: string,
  opened: ClosingStack,
  signal: AbortSignal,
): Promise<Pick<GroupOptions, 'redis' | 'line' | 'waitMs'>> {
  const waitMs = run.redisWaitSeconds * 1000;
  try {
    const redis = await connect(url, 'shardline:ci', { tls: run.redisTls, patienceMs: 0, brokenMs: waitMs, signal });
    opened.defer(() => redis.disconnect());
    const line = openLivenessLine(redis);
    opened.defer(() => line.close());
    await checkServer(redis, url);
    return { redis, line, waitMs };
  } catch (thrown) {
    if (thrown instanceof ShardlineError && thrown.code === 'redis-unreachable')
      throw unreachable(`${thrown.values.url}: ${thrown.values.problem}`);
    throw thrown;
  }
}

const unreachable = (problem: string): ShardlineError => new ShardlineError('ci-without-redis', { problem });

/** The agent of this job, for all runs of the pool: a run that restarts has another id. */
function startAgent(run: RunSettings, signer: Signer | null, edge: Edge, name: AgentId, redisUrl: string): LocalAgents {
  const { program, cwd, env } = edge;
  return startLocalAgents({
    names: [name],
    runId: null,
    pool: run.pool,
    redisUrl,
    program,
    beside: null,
    flags: [...agentFlags(run, signer), ...trustFlags(run)],
    cwd,
    leaveMs: () => LEAVE_MS,
    env,
  });
}

/** Another job may coordinate the run with its own key. */
const trustFlags = ({ trust, verify }: RunSettings): readonly string[] => (trust === null ? [] : ['--trust', trust, '--verify', verify]);

/** Redis says how old a verdict is, and others can write to it. Throws `bad-message`. */
function requireRecent({ endedAt }: GroupVerdict, { tooOldMs: limitMs }: GroupJob, run: RunId): void {
  if (limitMs === null) return;
  const mostMs = limitMs === 0 ? 0 : limitMs + CLOCK_TOLERANCE_MS;
  if (endedAt !== null && Date.now() - endedAt < mostMs) return;
  throw new ShardlineError('bad-message', { source: `the verdict of run ${run}`, problem: 'it is older than Redis says' });
}

/** null if one workspace cannot be compared with another by it. */
function digestOf({ git, contents }: FilesPrint): string | null {
  if (git === null) return contents;
  return createHash('sha256')
    .update(JSON.stringify([git.commit, git.directory, git.changes]))
    .digest('hex')
    .slice(0, 32);
}
