// `shardline agent`: adds this machine's cores to a pool.

import { randomBytes } from 'node:crypto';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { type AgentId, agentId, runId } from '../../shared/domain/ids.ts';
import type { GitPrint } from '../../shared/domain/suite/fingerprint.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { checkUser } from '../../shared/pytest/check-user.ts';
import { printInterpreter } from '../../shared/pytest/interpreter-print.ts';
import { maxAutoWorkers } from '../../shared/settings/auto-workers.ts';
import { safeUrl } from '../../shared/settings/redis-url.ts';
import type { AgentSettings } from '../../shared/settings/settings.ts';
import { systemClock } from '../../shared/system/clock.ts';
import type { Edge } from '../../shared/system/edge.ts';
import { failureFields, logRunEvent } from '../../shared/system/event-log.ts';
import { isInside } from '../../shared/system/files/is-inside.ts';
import { gitPrint } from '../../shared/system/git-print.ts';
import { publicKeyFrom, readSigner, readTrustedKeys } from '../../shared/system/key-files.ts';
import { createLogger } from '../../shared/system/logger.ts';
import { type MachineFacts, readFreeMemory, readMachine } from '../../shared/system/machine.ts';
import { findUser, type OtherUser } from '../../shared/system/other-user.ts';
import { printBeside } from '../../shared/system/workspace-print.ts';
import { plural } from '../../shared/text/safe-text.ts';
import type { AgentFacts } from '../../shared/wire/fleet/agent-facts.ts';
import { NO_VERIFIER, type Verifier, verifierOf } from '../../shared/wire/signature.ts';
import { endsTooEarly } from '../../shared/wire/trust/certificate.ts';
import { agentLoop } from '../agent-loop.ts';
import { selfTestCachedIn } from '../pytest/self-test.ts';
import { START_MS } from '../pytest/start-limit.ts';
import { streamEngine } from '../pytest/stream-engine.ts';
import { redisPoolMember } from '../redis/pool-member.ts';
import { fixedWorkspace } from '../workspace/fixed-workspace.ts';
import { type GitWorkspaces, gitWorkspaces } from '../workspace/git-workspaces.ts';
import { drainCommand } from './drain.ts';
import { leaveOnRequest } from './leave-request.ts';

/**
 * Serves runs until SIGTERM or SIGINT, until another command asks it to drain, until no run opens for `maxIdleSeconds`, or, with `once`,
 * until its one run is over. Resolves with the exit code. With `drain`, asks another agent to drain instead.
 */
export async function agentCommand(settings: AgentSettings, edge: Edge): Promise<number> {
  if (settings.drain !== null) return await drainCommand(settings, edge);
  const host = hostname();
  const id = nameOf(settings, host);
  const logger = createLogger({ level: settings.logLevel, file: settings.logFile, format: settings.logFormat, name: `agent ${id}` });
  const { say, sayOnce } = voiceOf(settings, id, edge);
  const warn = (line: string): void => {
    logger.warn({ agent: id, problem: line }, 'went on with a problem');
    sayOnce(line);
  };
  const debug = (line: string): void => logger.debug({ agent: id, detail: line }, 'detail of a pytest session');
  const leave = leaveOnRequest(settings, edge);
  leave.draining.addEventListener('abort', () => {
    logger.info({ agent: id, by: leave.draining.reason, seconds: settings.drainTimeoutSeconds }, 'draining');
    say(`draining: takes no more shards, and leaves when it has finished what it runs, at the latest in ${settings.drainTimeoutSeconds} s`);
  });
  leave.leaving.addEventListener('abort', () => logger.info({ agent: id }, 'leaving'));
  try {
    const machine = await readMachine();
    const user = await userFor(settings);
    const facts = await factsOf(settings, machine, user, edge.version);
    const { git, ...about } = facts;
    const workspaces = workspacesOf(settings, edge.env, say, leave.leaving);
    const signer = settings.signKey === null ? null : await readSigner(settings.signKey);
    const verifier = await verifierFor(settings, (problem) => warn(`serves it all the same: ${problem.message}`));
    await using metrics = settings.metrics === null ? null : await (await import('./agent-metrics.ts')).agentMetrics(settings.metrics);
    if (metrics !== null) say(`metrics at ${metrics.url}`);
    await using member = await redisPoolMember({
      url: settings.redis,
      tls: settings.redisTls,
      pool: settings.pool,
      agent: id,
      labels: settings.labels,
      only: settings.run === null ? null : runId(settings.run),
      signer,
      verifier,
      facts: () => ({ ...about, commit: git?.commit ?? workspaces.commit(), drainSeconds: leave.drainSeconds() }),
      beaten: (said) => metrics?.beaten(said),
      drain: () => leave.drain('request'),
      warn: (problem) => logger.warn({ agent: id, problem: String(problem) }, 'went on with a problem of Redis'),
      doubtful: warn,
      joining({ runId: run, drain }) {
        // The command that started an owned agent signs with the same key, and says so itself.
        if (signer === null || settings.signKey === null || settings.isOwned || drain === null) return;
        const early = endsTooEarly(signer.certificate, settings.signKey, `run ${run}`, drain.at);
        if (early !== null) warn(early);
      },
      declined: (run, { message }) => warn(`declined run ${run}: ${message}`),
    });
    logger.info({ agent: id, host, pool: settings.pool }, 'waiting for runs');
    if (!settings.isOwned) say(await introduction(settings, facts, user));
    if (settings.trustsNetwork && !settings.isOwned) {
      warn(
        `warning: everyone who can write to Redis at ${safeUrl(settings.redis)} can run code here. Fix: sign runs and use --trust, or accept it with --verify off`,
      );
    }
    await agentLoop(
      {
        identity: {
          id,
          host,
          pid: process.pid,
          hashSeed: edge.env.PYTHONHASHSEED ?? null,
          labels: settings.labels,
          isLocal: isLocal(settings),
          accepts: { mode: settings.acceptArgs, own: settings.ownArgs },
          printFiles: (workspace, run) => printBeside(workspace, run, user),
          isInside,
        },
        pytest: {
          numprocesses: settings.numprocesses,
          maxAutoWorkers: maxAutoWorkers(machine, settings.workerBytes),
          user,
        },
        workspaces,
        member,
        engine: streamEngine(warn, selfTestCachedIn(cacheDirectory(edge.env)), START_MS, debug),
        clock: systemClock,
        warn,
        reportState: (phrase, fields) => say(`${phrase} ${fields.run ?? ''}`),
        logEvent(run, event) {
          logRunEvent(logger, run, event);
          metrics?.reported(event);
        },
      },
      {
        once: settings.once,
        maxIdleMs: settings.maxIdleSeconds === null ? null : settings.maxIdleSeconds * 1000,
        maxRuns: settings.maxRuns,
        hasMemory: async () => (await readFreeMemory()) >= about.workers * settings.workerBytes,
      },
      leave.leaving,
      leave.draining,
    );
    logger.info({ agent: id, isAsked: leave.draining.aborted || leave.leaving.aborted }, 'stopped');
    say('stopped');
    return 0;
  } catch (thrown) {
    logger.error({ agent: id, ...failureFields(thrown) }, 'failed');
    throw thrown;
  } finally {
    leave.release();
    logger.close();
  }
}

/**
 * A command chooses unique names for its own agents. A user's name need not be unique, and a restarted agent is a new agent, so those get a
 * suffix.
 */
function nameOf({ isOwned, name }: AgentSettings, host: string): AgentId {
  return agentId(isOwned && name !== null ? name : `${name ?? tidy(host)}-${randomBytes(8).toString('hex')}`);
}

/** Throws `bad-key`, and `bad-option` if there is nothing to verify with. */
async function verifierFor({ trust, trustedKey, verify }: AgentSettings, onDoubt: (problem: ShardlineError) => void): Promise<Verifier> {
  if (verify === 'off') return NO_VERIFIER;
  const uses = ['coordinator'] as const;
  const own = trustedKey === null ? [] : [{ key: publicKeyFrom(trustedKey), uses }];
  const keys = [...(trust === null ? [] : await readTrustedKeys(trust, uses)), ...own];
  if (keys.length > 0) return verifierOf({ keys, mode: verify, onDoubt, now: systemClock.now });
  const problem = `--verify ${verify} has no key to verify with.`;
  throw new ShardlineError('bad-option', { problem, fix: 'Name the trusted public keys with --trust FILE.' });
}

/** The user of `--run-as`. Hides the command line, which every user of the machine can read, from its tests. Throws `cannot-run-as`. */
async function userFor({ runAs, python, workspace }: AgentSettings): Promise<OtherUser | null> {
  if (runAs === null) return null;
  process.title = 'shardline agent';
  const user = await findUser(runAs);
  await checkUser(user, python, workspace);
  return user;
}

/** Only a run starts an agent with both options. It does so in its own workspace and with its own interpreter. */
const isLocal = ({ once, run }: AgentSettings): boolean => once && run !== null;

/** An agent that another command started runs the tests in the workspace of that command. */
const fetches = (settings: AgentSettings): boolean => settings.source === 'git' && !settings.isOwned && !isLocal(settings);

function workspacesOf(settings: AgentSettings, env: Edge['env'], say: (line: string) => void, leaving: AbortSignal): GitWorkspaces {
  const { workspace, python, prepare, lockFiles, keepWorkspaces, maxWorkspaceBytes, allowedRepositories } = settings;
  if (!fetches(settings)) return { ...fixedWorkspace(workspace, python), commit: () => null };
  const cache = join(cacheDirectory(env), 'workspaces');
  return gitWorkspaces({
    cache,
    allowed: allowedRepositories,
    prepare,
    lockFiles,
    keep: keepWorkspaces,
    maxBytes: maxWorkspaceBytes,
    python,
    say,
    leaving,
  });
}

/** The agent's lines for the user of its machine. */
interface Voice {
  /** Prints a line, unless another command started this agent. */
  readonly say: (line: string) => void;
  /** Prints each different line once. */
  readonly sayOnce: (line: string) => void;
}

function voiceOf({ isOwned }: AgentSettings, id: AgentId, { stderr }: Edge): Voice {
  const said = new Set<string>();
  const print = (line: string): void => void stderr.write(`shardline agent ${id}: ${line}\n`);
  return {
    say(line) {
      if (!isOwned) print(line);
    },
    sayOnce(line) {
      if (said.has(line)) return;
      said.add(line);
      print(line);
    },
  };
}

/** What does not change while the agent lives. */
type OwnFacts = Omit<AgentFacts, 'runs' | 'declined' | 'commit' | 'drainSeconds'> & { readonly git: GitPrint | null };

/** What this agent says of itself to those who watch the pool. */
async function factsOf(settings: AgentSettings, machine: MachineFacts, user: OtherUser | null, version: string): Promise<OwnFacts> {
  const { workspace, numprocesses, workerBytes, labels } = settings;
  const workers = numprocesses === 'auto' ? maxAutoWorkers(machine, workerBytes) : Number(numprocesses);
  // A run that starts an agent knows its workspace, and waits for it. An agent that fetches has the commit of each run.
  const git = settings.isOwned || fetches(settings) ? null : await gitPrint(workspace, user);
  return { version, host: hostname(), cpus: machine.cpus, memoryBytes: machine.memoryBytes, workers, labels, git };
}

/** Says in one line what this agent brings. Throws `no-python`. */
async function introduction(settings: AgentSettings, { workers, git, labels }: OwnFacts, user: OtherUser | null): Promise<string> {
  const { redis, pool } = settings;
  const facts = [
    ...(fetches(settings) ? checkoutFacts(settings) : await directoryFacts(settings, git, user)),
    plural(workers, 'worker'),
    ...(labels.length === 0 ? [] : [`labels ${labels.join(', ')}`]),
    ...(user === null ? [] : [`tests run as ${user.name}`]),
    `Redis at ${safeUrl(redis)}`,
  ];
  return `waiting for runs of the pool ${pool}: ${facts.join('; ')}`;
}

const checkoutFacts = ({ allowedRepositories, prepare }: AgentSettings): readonly string[] => [
  `checkouts of ${allowedRepositories.join(' ')}`,
  prepare === null ? 'no preparation' : `prepared by \`${prepare}\``,
];

async function directoryFacts(
  { workspace, python }: AgentSettings,
  git: GitPrint | null,
  user: OtherUser | null,
): Promise<readonly string[]> {
  const interpreter = await printInterpreter(python, workspace, new AbortController().signal, user);
  const commit = git === null ? 'not in git' : `commit ${git.commit.slice(0, 12)}${git.changedFiles === 0 ? '' : ' with changes'}`;
  return [`${workspace} (${commit})`, `${interpreter.python}, pytest ${interpreter.plugins.pytest || 'missing'}`];
}

/** This user's cache directory, by the XDG Base Directory Specification. */
const cacheDirectory = (env: Edge['env']): string => join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'shardline');

/** Turns a host name into the first part of an agent id. */
const tidy = (name: string): string => name.replace(/[^A-Za-z0-9_.-]/g, '-').slice(0, 64) || 'agent';
