// Connects a run to Redis, its own or an external one, starts the run's local agents and loads the known durations.

import { type AgentId, agentId } from '../../shared/domain/ids.ts';
import type { Timings } from '../../shared/domain/suite/timings.ts';
import { messageOf, ShardlineError } from '../../shared/errors.ts';
import { checkServer } from '../../shared/redis/check-server.ts';
import { connect } from '../../shared/redis/connect.ts';
import { isForNow } from '../../shared/redis/retry-while-unavailable.ts';
import { CONNECTIONS } from '../../shared/redis/server-room.ts';
import { safeUrl } from '../../shared/settings/redis-url.ts';
import type { RunSettings } from '../../shared/settings/settings.ts';
import type { ClosingStack } from '../../shared/system/closing-stack.ts';
import { aheadOf } from '../../shared/wire/agreed-time.ts';
import type { RunNote } from '../../shared/wire/run-note.ts';
import type { Signer } from '../../shared/wire/signature.ts';
import { type LocalAgents, startLocalAgents } from '../local-agents.ts';
import type { CensusStore, Pools, RunChannel, TimingStore } from '../ports.ts';
import { redisCensusStore } from '../redis/census-store.ts';
import { startEmbeddedRedis } from '../redis/embedded-server.ts';
import { writeNote } from '../redis/inspect/run-notes.ts';
import { openLivenessLine } from '../redis/liveness-line.ts';
import { redisPools } from '../redis/pools.ts';
import { redisTimingStore } from '../redis/timing-store.ts';
import { historyStores } from './preparation/history-stores.ts';
import { CLOSE_MS, type Setting, within } from './run-context.ts';

/** How long an agent that is asked to leave may take to hand back its work … */
const LEAVE_MS = 10_000;
/** … and the least it gets, however short the deadline is. */
const LEAST_LEAVE_MS = 200;

/**
 * How much longer than `--redis-wait` a broken connection is reopened. The run loop stops waiting first. The steps before and after it wait
 * for Redis until the connection is given up.
 */
const BROKEN_MARGIN_MS = 10_000;

export interface OpenRedis {
  readonly pools: Pools;
  /** The announced run. Agents join it and start their pytest. */
  readonly channel: RunChannel;
  /** By how many milliseconds the clock that agents agree on is ahead of this machine's. */
  readonly aheadMs: number;
  readonly agents: { readonly local: LocalAgents; readonly count: number };
  readonly store: TimingStore & { readonly old: Timings };
  readonly census: CensusStore;
  /** Writes the note of a run; null for an embedded Redis, which no other command reads. */
  readonly note: ((channel: Pick<RunChannel, 'runId' | 'epoch'>, note: RunNote) => Promise<void>) | null;
  /** Closes the channel, and announces another run to the same agents and to new local ones. */
  readonly again: (announce: (pools: Pools) => Promise<RunChannel>) => Promise<Pick<OpenRedis, 'channel' | 'agents'>>;
}

/**
 * Connects, announces the run, starts the agents so that they and their pytest are ready when the plan is, and loads the known durations.
 * `opened` closes everything that is not closed before.
 */
export async function openRedis(
  setting: Setting,
  opened: ClosingStack,
  announce: (pools: Pools, aheadMs: number) => Promise<RunChannel>,
  signal: AbortSignal,
): Promise<OpenRedis> {
  const { settings, edge, id, trust } = setting;
  const url = settings.redis ?? (await startOwnRedis(setting, opened, signal));
  // A resumed run has used this Redis before, so it may be restarting.
  const waitMs = settings.redisWaitSeconds * 1000;
  const patience = {
    tls: settings.redisTls,
    patienceMs: settings.resume === null ? 0 : waitMs,
    brokenMs: waitMs + BROKEN_MARGIN_MS,
    signal,
  };
  const redis = await connect(url, `shardline:run:${id}`, patience);
  opened.defer(() => redis.disconnect());
  // Open until everything is written: a command that waits to resume the run must not begin before.
  const line = openLivenessLine(redis);
  opened.defer(() => line.close());
  const needed = CONNECTIONS.coordinator + CONNECTIONS.agent * (settings.agents ?? 0);
  const doubt = await checkServer(redis, url, needed);
  if (doubt !== null) edge.stderr.write(`shardline: warning: ${doubt}\n`);
  signal.throwIfAborted();
  const pools = redisPools(redis, { line, keepsLog: settings.redis !== null, ...trust });
  const aheadMs = aheadOf(await pools.serverNow(settings.pool), Date.now());
  const place: Place = { setting, url, opened, signal };
  const first = await openWithAgents(place, () => announce(pools, aheadMs), '');
  const onDropped = (dropped: number, source: string): void => {
    const entries = dropped === 1 ? '1 test file' : `${dropped} test files`;
    edge.stderr.write(
      `shardline: warning: ignored the durations of ${entries} from ${source}: they are invalid, or a newer shardline wrote them\n`,
    );
  };
  const suite = settings.suite ?? settings.pool;
  const shared =
    settings.redis === null ? null : { timings: redisTimingStore(redis, suite, onDropped), census: redisCensusStore(redis, suite) };
  const { timings, census } = historyStores(settings, shared, onDropped);
  const old = await timings.load();
  // An agent joins a run only once, and its name belongs to one process. The second run therefore needs new names.
  const again: OpenRedis['again'] = (announcing) => openWithAgents(place, () => announcing(pools), '-again');
  const note: OpenRedis['note'] = settings.redis === null ? null : ({ runId, epoch }, content) => writeNote(redis, runId, epoch, content);
  return { pools, ...first, aheadMs, store: { ...timings, old }, census, note, again };
}

/** Starts an embedded Redis for this run only, and returns its URL. */
async function startOwnRedis({ settings, edge }: Setting, opened: ClosingStack, signal: AbortSignal): Promise<string> {
  if (edge.env.SHARDLINE_REDIS_URL?.trim() === '') {
    edge.stderr.write('shardline: SHARDLINE_REDIS_URL is empty: using an embedded Redis\n');
  }
  const { redisBin, python, pipPython } = settings;
  const pythons = pipPython === null || pipPython === python ? [python] : [pipPython, python];
  const server = await startEmbeddedRedis({ redisBin, pythons, path: edge.env.PATH ?? '' }, signal);
  opened.use(server);
  return server.url;
}

/** Where a run is opened. */
interface Place {
  readonly setting: Setting;
  readonly url: string;
  readonly opened: ClosingStack;
  readonly signal: AbortSignal;
}

/** Announces a run and starts its local agents, whose names end in `suffix`. */
async function openWithAgents(
  { setting, url, opened, signal }: Place,
  announce: () => Promise<RunChannel>,
  suffix: string,
): Promise<Pick<OpenRedis, 'channel' | 'agents'>> {
  const { settings, edge, trust } = setting;
  const channel = await announce().catch((thrown: unknown) => {
    // A run that is under way waits for Redis to accept commands again. A run that has not begun fails at once.
    if (!isForNow(thrown)) throw thrown;
    throw new ShardlineError('redis-refuses', { url: safeUrl(url), problem: messageOf(thrown) }, { cause: thrown });
  });
  // The code that served the run has already closed the channel and handled its errors, except in a run that several jobs share.
  const isForOthers = (): boolean => setting.jobs !== null && !setting.jobs.isConcluded();
  opened.defer(() => within(CLOSE_MS, isForOthers() ? channel.leave() : channel.close()).catch(() => undefined));
  signal.throwIfAborted();
  const names = localNames(setting, suffix);
  const local = startLocalAgents({
    names,
    runId: channel.runId,
    pool: settings.pool,
    redisUrl: url,
    program: edge.program,
    beside: edge.beside,
    flags: agentFlags(settings, trust.signer),
    cwd: edge.cwd,
    leaveMs: () => leaveMs(setting),
    env: edge.env,
  });
  opened.use(local);
  return { channel, agents: { local, count: names.length } };
}

/** Names of the agents that the run starts itself. Other runs share an external Redis, so the names there include the run. */
function localNames(setting: Setting, suffix: string): readonly AgentId[] {
  const { settings, id } = setting;
  const resumes = setting.resumes();
  const isEmbedded = settings.redis === null;
  const count = settings.agents ?? (isEmbedded ? 1 : 0);
  const prefix = `${isEmbedded ? '' : `${id}-`}${resumes === 0 ? '' : `r${resumes}-`}`;
  return Array.from({ length: count }, (_, index) => agentId(`${prefix}a${index + 1}${suffix}`));
}

/** The time left of the deadline, because the command must end by then. Killing an agent also kills its pytest. */
function leaveMs({ settings, startedAt }: Setting): number {
  if (settings.deadlineSeconds === null) return LEAVE_MS;
  const leftMs = startedAt + settings.deadlineSeconds * 1000 - Date.now();
  return Math.min(LEAVE_MS, Math.max(LEAST_LEAVE_MS, leftMs - LEAST_LEAVE_MS));
}

/** The flags of an agent that serves only the runs of this command. */
export const agentFlags = (settings: RunSettings, signer: Signer | null): string[] => [
  ...['--numprocesses', settings.numprocesses, '--python', settings.python, '--workspace', settings.workspace],
  ...['--worker-memory', String(settings.workerBytes), '--log-level', settings.logLevel, '--log-format', settings.logFormat],
  ...(settings.logFile === null ? [] : ['--log-file', settings.logFile]),
  ...(['ca', 'cert', 'key'] as const).flatMap((file) =>
    settings.redisTls[file] === null ? [] : [`--redis-${file}`, settings.redisTls[file]],
  ),
  ...settings.labels.flatMap((label) => ['--label', label]),
  // They are this command's own, and speak with its key.
  ...(signer === null || settings.signKey === null ? [] : ['--trusted-key', signer.publicKey, '--sign-key', settings.signKey]),
  ...['--own-args', JSON.stringify([...settings.paths, ...settings.pytestArgs])],
];
