// `shardline replay`: reruns the tests of one agent or one xdist worker in their recorded order. With --bisect it finds the earlier tests
// that make a test fail.

import { writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { foreignArgs } from '../../shared/domain/accepted-args.ts';
import type { BegunTest } from '../../shared/domain/begun-test.ts';
import type { TestResult } from '../../shared/domain/events.ts';
import { agentId, type NodeId, nodeId } from '../../shared/domain/ids.ts';
import { isFailure, type Outcome } from '../../shared/domain/outcome.ts';
import { messageOf, ShardlineError } from '../../shared/errors.ts';
import { reportLongSteps } from '../../shared/long-step.ts';
import type { ReplaySettings } from '../../shared/settings/settings.ts';
import { systemClock } from '../../shared/system/clock.ts';
import type { Edge } from '../../shared/system/edge.ts';
import { isInside } from '../../shared/system/files/is-inside.ts';
import { readLines } from '../../shared/system/files/read-lines.ts';
import { findRun, newestRun, runsOf } from '../../shared/system/run-place.ts';
import { readSelected } from '../../shared/system/selected.ts';
import { harmless, oneLine, plural } from '../../shared/text/safe-text.ts';
import { shellCommand, shellWord } from '../../shared/text/shell-quote.ts';
import { decodeRecordedWork, type RecordedWork } from '../../shared/wire/begun-tests.ts';
import { minimize } from '../core/minimize.ts';
import { testsOf } from '../core/recorded-order.ts';
import { streamEngine } from '../pytest/stream-engine.ts';
import { type Replay, type Replayed, replayTests } from '../replay.ts';

/** Tests for one xdist worker, in the order of the run or of a list. */
interface Chosen {
  readonly tests: readonly NodeId[];
  /** Each test's outcome in the run; null if unknown. */
  readonly before: ReadonlyMap<NodeId, Outcome | null>;
  readonly where: string;
}

/**
 * Resolves with 0 when nothing failed, 1 when something failed, and 2 when interrupted. Throws `nothing-to-replay` and the errors of a
 * session.
 */
export async function replayCommand(settings: ReplaySettings, edge: Edge): Promise<number> {
  const interrupted = new AbortController();
  const ignore = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => edge.onSignal(name, () => interrupted.abort('cancelled')));
  try {
    const source = settings.source ?? relative(edge.cwd, await newestRun(settings.workspace));
    const journal = await journalOf(source, edge.cwd);
    const work = await decodeRecordedWork(readLines(journal), journal);
    if (!settings.trustsArguments && !(await isOwnRun(settings.workspace, journal))) await refuseForeign(source, work, settings.workspace);
    const chosen = await choose(settings, source, work, edge);
    const hashSeed = hashSeedOf(work, settings, chosen);
    const replay: Replay = {
      engine: streamEngine((line) => edge.stderr.write(`shardline: ${line}\n`)),
      agent: agentId('replay'),
      spec: work.spec,
      companions: work.companions,
      workspace: settings.workspace,
      python: settings.python,
      environment: hashSeed === null ? {} : { PYTHONHASHSEED: hashSeed },
      onResult: () => undefined,
    };
    const seed = hashSeed === null ? 'random hash seed, as in the run' : `PYTHONHASHSEED=${hashSeed}`;
    edge.stderr.write(`Replaying ${chosen.where} of run ${work.spec.runId}: ${plural(chosen.tests.length, 'test')}, ${seed}\n`);
    return settings.bisect === null
      ? await once(replay, chosen, edge, interrupted.signal)
      : await bisect(replay, chosen, { source, journal }, edge, interrupted.signal);
  } finally {
    for (const stop of ignore) stop();
  }
}

/** Throws `foreign-arguments` for arguments that do more than select tests or change the output. */
async function refuseForeign(run: string, { spec }: RecordedWork, workspace: string): Promise<void> {
  const args = await foreignArgs(spec.pytestArgs, { mode: 'safe', own: [] }, (path) => isInside(workspace, path));
  if (args.length > 0) throw new ShardlineError('foreign-arguments', { run, arguments: oneLine(shellCommand(args)) });
}

const isOwnRun = async (workspace: string, journal: string): Promise<boolean> => isInside(runsOf(workspace), journal).catch(() => false);

async function journalOf(source: string, cwd: string): Promise<string> {
  const { kind, path } = await findRun(source, cwd);
  return kind === 'folder' ? join(path, 'events.ndjson') : path.endsWith('.ndjson') ? path : join(dirname(path), 'events.ndjson');
}

async function choose(settings: ReplaySettings, source: string, work: RecordedWork, edge: Edge): Promise<Chosen> {
  const upTo = settings.bisect === null ? null : nodeId(settings.bisect);
  const agent = settings.agent === null ? null : agentId(settings.agent);
  const nothing = (problem: string, fix: string): ShardlineError => new ShardlineError('nothing-to-replay', { run: source, problem, fix });
  const agents = [...new Set(work.tests.map((test) => test.agent))];
  if (settings.selected !== null) {
    const tests = (await readSelected(settings.selected, edge.stdin)).map(nodeId);
    if (upTo !== null && tests.at(-1) !== upTo)
      throw nothing(`the last line of ${settings.selected} is not ${upTo}`, 'Put the test to bisect on the last line.');
    return { tests, before: outcomesOf(work.tests), where: settings.selected };
  }
  if (agent === null && upTo === null && agents.length !== 1) {
    throw nothing(
      agents.length === 0 ? 'no agent ran a test' : `${agents.length} agents ran tests, and none was named`,
      agents.length === 0 ? 'Choose another run.' : `Pass one of them: --agent ${agents.join(', --agent ')}.`,
    );
  }
  const tests = testsOf(work.tests, { agent, worker: settings.worker, upTo });
  const [first] = tests;
  if (first === undefined) {
    const places = [...new Set(work.tests.map((test) => `${test.agent} ${test.worker}`))].sort();
    const what = upTo === null ? 'no test started there' : `${upTo} did not start there`;
    const listed = `Pass a test that this run started; \`shardline report ${shellWord(source)} -v\` lists them.`;
    const started = `Tests started on ${places.slice(0, 20).join(', ')}.`;
    throw nothing(what, places.length === 0 ? 'Choose another run.' : upTo === null ? started : listed);
  }
  const worker = settings.worker ?? (upTo === null ? null : first.worker);
  return {
    tests: tests.map(({ nodeid }) => nodeid),
    before: outcomesOf(tests),
    where: `agent ${first.agent}${worker === null ? '' : `, worker ${worker}`}`,
  };
}

const outcomesOf = (tests: readonly BegunTest[]): ReadonlyMap<NodeId, Outcome | null> =>
  new Map(tests.map(({ nodeid, outcome }) => [nodeid, outcome]));

/** The agent's PYTHONHASHSEED. null when it had none; then every new interpreter used a random seed. */
function hashSeedOf(work: RecordedWork, { agent }: ReplaySettings, chosen: Chosen): string | null {
  const name = agent ?? work.tests.find(({ nodeid }) => nodeid === chosen.tests.at(-1))?.agent;
  return work.agents.find(({ id }) => id === name)?.hashSeed ?? null;
}

async function once(replay: Replay, { tests, before }: Chosen, edge: Edge, interrupt: AbortSignal): Promise<number> {
  let failed = 0;
  let same = 0;
  let done = 0;
  const startedAt = systemClock.now();
  const onResult = ({ nodeid, outcome }: TestResult): void => {
    done += 1;
    const was = before.get(nodeid) ?? null;
    if (was === outcome) same += 1;
    if (isFailure(outcome)) failed += 1;
    if (isFailure(outcome) || (was !== null && was !== outcome)) {
      edge.stderr.write(`${outcome.toUpperCase()} ${oneLine(nodeid)}${was === null ? '' : ` (in the run: ${was})`}\n`);
    }
  };
  const { results, problems } = await reportLongSteps(
    replayTests({ ...replay, onResult }, tests, interrupt),
    () => ({ name: `replayed ${done} of ${plural(tests.length, 'test')}`, startedAt }),
    (line) => void edge.stderr.write(`shardline: ${line}\n`),
    systemClock,
  );
  for (const [nodeid, { outcome, message }] of results) {
    if (isFailure(outcome)) edge.stdout.write(`\n${oneLine(nodeid)}\n${harmless(message ?? '')}\n`);
  }
  for (const problem of problems) edge.stdout.write(`\n${harmless(problem)}\n`);
  const missing = new Set(tests).size - results.size;
  const code = interrupt.aborted ? 2 : failed + problems.length + missing > 0 ? 1 : 0;
  const counts = [
    `${results.size} replayed`,
    `${failed} failed`,
    `${same} as in the run`,
    ...(missing > 0 ? [`${missing} did not run`] : []),
  ];
  edge.stdout.write(`replayed: ${counts.join(', ')}; exit ${code}\n`);
  return code;
}

interface Found {
  /** The run, as it is named in commands. */
  readonly source: string;
  readonly journal: string;
}

async function bisect(replay: Replay, { tests }: Chosen, found: Found, edge: Edge, interrupt: AbortSignal): Promise<number> {
  const last = tests.at(-1);
  if (last === undefined) return 1;
  const before = tests.slice(0, -1).filter((nodeid) => nodeid !== last);
  const tried = new Map<string, boolean>();
  const fails = async (earlier: readonly NodeId[]): Promise<boolean> => {
    const key = JSON.stringify(earlier);
    const known = tried.get(key);
    if (known !== undefined) return known;
    const replayed: Replayed = await replayTests(replay, [...earlier, last], interrupt);
    const outcome = replayed.results.get(last)?.outcome ?? null;
    edge.stderr.write(`after ${plural(earlier.length, 'earlier test')}: ${outcome ?? 'not run'}\n`);
    const isFailing = outcome !== null && isFailure(outcome);
    tried.set(key, isFailing);
    return isFailing;
  };
  const name = oneLine(last);
  if (await fails([])) {
    edge.stdout.write(`${name} fails alone: no earlier test is needed.\nReproduce: ${commandFor([last])}\n`);
    return 1;
  }
  if (interrupt.aborted) return 2;
  if (!(await fails(before))) {
    if (interrupt.aborted) return 2;
    edge.stdout.write(
      `${name} does not fail after the ${plural(before.length, 'test')} that ran before it: the order is not the cause, or not the only one.\n`,
    );
    return 0;
  }
  const search = minimize(before);
  let step = search.next();
  while (!step.done) {
    const isFailing = await fails(step.value);
    if (interrupt.aborted) return 2;
    step = search.next(isFailing);
  }
  const { source, journal } = found;
  const list = join(dirname(journal), 'bisect.txt');
  const needed = [...step.value, last];
  try {
    await writeFile(list, `${needed.join('\n')}\n`);
  } catch (thrown) {
    // The commands below work without the list: they name every test.
    edge.stderr.write(`shardline: warning: could not write the list ${list}: ${messageOf(thrown)}\n`);
  }
  const path = relative(edge.cwd, list);
  edge.stdout.write(`${name} fails after:\n${step.value.map((nodeid) => `  ${oneLine(nodeid)}\n`).join('')}`);
  edge.stdout.write(`Reproduce: shardline replay ${shellWord(source)} --selected ${shellWord(path)}\nor:        ${commandFor(needed)}\n`);
  return 1;
}

/** Plain pytest in one process and in this order. The user adds the options of the project. */
const commandFor = (nodeids: readonly NodeId[]): string => `pytest ${nodeids.map((nodeid) => shellWord(oneLine(nodeid))).join(' ')}`;
