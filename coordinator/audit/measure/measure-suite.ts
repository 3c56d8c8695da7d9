// Runs the measurements of an audit one after the other. Two at once would slow each other down.

import { rm } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import type { NodeId } from '../../../shared/domain/ids.ts';
import { isFailure, type Outcome } from '../../../shared/domain/outcome.ts';
import { messageOf, ShardlineError } from '../../../shared/errors.ts';
import { pytestCommand } from '../../../shared/pytest/pytest-command.ts';
import type { AuditSettings } from '../../../shared/settings/settings.ts';
import { type Edge, LAUNCHER_VARIABLE } from '../../../shared/system/edge.ts';
import { readMachine } from '../../../shared/system/machine.ts';
import { oneLine } from '../../../shared/text/safe-text.ts';
import { shellCommand } from '../../../shared/text/shell-quote.ts';
import { tailOf } from '../../../shared/text/tail.ts';
import { FIXED_SECONDS } from '../../core/plan/plan.ts';
import type { Baseline } from '../../core/result/compare.ts';
import { readFinishedRun } from '../../record/finished-run.ts';
import { fileTimingStore } from '../../record/timings-file.ts';
import { inSeconds } from '../../reporters/summary/profile-text.ts';
import type { Before, Findings, Sharded } from '../core/findings.ts';
import { importTimes } from '../core/import-times.ts';
import { type Execution, suspectsOf } from '../core/isolation.ts';
import { type Measurement, measurementOf } from '../core/measurement.ts';
import { timingsOf } from '../core/predict.ts';
import { type MeasuredPytest, measurePytest } from './measure-pytest.ts';
import { runSharded } from './run-sharded.ts';

/** A load above this share of the processors makes measurements unreliable. */
const BUSY = 0.5;
/** Maximum number of suspects to run by themselves. */
const TRIED = 20;
/** Maximum number of characters of pytest's output that an error shows, from its end. */
const SHOWN_CHARS = 4000;

export interface Measuring {
  readonly settings: AuditSettings;
  readonly edge: Edge;
  readonly out: string;
  readonly baseline: Baseline | null;
  readonly paths: readonly string[];
  /** The same selection as arguments for a command. */
  readonly what: readonly string[];
  readonly announceStep: (step: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Resolves with null if no tests were collected. Throws `bad-paths` if pytest refused to begin, the errors of starting pytest, and the
 * signal's reason.
 */
export async function measureSuite(measuring: Measuring): Promise<Findings | null> {
  const { settings, baseline, what, announceStep, paths } = measuring;
  const limitSeconds = settings.stepLimitSeconds;
  const problems: string[] = [];
  const machine = await readMachine();
  const [load = 0] = loadavg();
  if (load > BUSY * machine.cpus)
    problems.push(
      `The machine was busy before the audit started (load ${load.toFixed(1)} on ${machine.cpus} processors): times are longer and vary more than on an idle machine.`,
    );

  announceStep('one collection, to see what is imported');
  const collected = await plainPytest(measuring, '0', { listsImports: true });
  if (collected.exitCode === 5) return null;
  refuse(collected, measuring);
  if (collected.isPartial) problems.push('The collection that lists imports was stopped at its limit: only those until then are known.');

  const measure = async (name: string, numprocesses: string): Promise<Measurement | null> => {
    announceStep(name);
    const measured = await plainPytest(measuring, numprocesses);
    if (measured.isPartial)
      problems.push(
        `${name} was stopped after ${inSeconds(measured.endedAt - measured.startedAt)} (--step-limit); only the results until then count.`,
      );
    const measurement = measurementOf(measured);
    if (measurement.workers > 0) return measurement;
    problems.push(`${name} could not be measured: ${lastLine(measured.output)}`);
    return null;
  };
  const sequential = baseline === null ? await measure('pytest, one test after another', '0') : null;
  const parallel = await measure(`pytest -n ${settings.numprocesses}`, settings.numprocesses);
  const { sharded, shardSeconds } = await measureSharded(measuring, sequential ?? parallel, problems);

  const before = baseline === null || parallel === null ? null : passedBefore(baseline, parallel);
  const first: Execution[] = [
    ...(sequential === null ? [] : [{ how: 'one after another', outcomes: outcomesOf(sequential) } as const]),
    ...(before === null ? [] : [before]),
    ...(parallel === null ? [] : [{ how: 'pytest -n', outcomes: outcomesOf(parallel) } as const]),
    ...(sharded === null
      ? []
      : [{ how: 'shardline', outcomes: new Map(sharded.report.tests.map(({ nodeid, outcome }) => [nodeid, outcome])) } as const]),
  ];
  return {
    what,
    pytestArgs: settings.pytestArgs,
    finishedAt: new Date().toISOString(),
    machine,
    limitSeconds,
    shardSeconds,
    imports: importTimes(collected.imports),
    sequential,
    before: baseline === null ? null : summed(baseline),
    parallel,
    sharded,
    executions: [...first, ...(await tryAgain(measuring, first, rootdirOf(collected), paths))],
    problems,
  };
}

async function plainPytest(
  { settings, paths, signal }: Measuring,
  numprocesses: string,
  { listsImports = false, instead = paths }: { readonly listsImports?: boolean; readonly instead?: readonly string[] } = {},
): Promise<MeasuredPytest> {
  const { python, workspace, pytestArgs, serialMarker, stepLimitSeconds: limitSeconds } = settings;
  const request = { python, workspace, pytestArgs: [...instead, ...pytestArgs], serialMarker, numprocesses, listsImports, limitSeconds };
  return await measurePytest(request, signal);
}

/** pytest exits with 3 or 4 if it cannot run at all. */
function refuse({ exitCode, output }: MeasuredPytest, { settings, paths }: Measuring): void {
  if (exitCode !== 3 && exitCode !== 4) return;
  throw new ShardlineError('bad-paths', {
    output: tailOf(output.trim(), SHOWN_CHARS),
    pytestExitCode: exitCode,
    command: shellCommand(pytestCommand(settings.python, ['--collect-only', '-q', ...paths, ...settings.pytestArgs])),
  });
}

/** Runs shardline with the durations that were just measured, which every run but the first knows, on agents and in a pool of its own. */
async function measureSharded(
  { settings, edge, out, paths, announceStep, signal }: Measuring,
  basis: Measurement | null,
  problems: string[],
): Promise<{ readonly sharded: Sharded | null; readonly shardSeconds: number }> {
  const { agents, numprocesses, workerBytes, redisBin, workspace, serialMarker, pytestArgs, stepLimitSeconds: limitSeconds } = settings;
  announceStep(`shardline with ${agents === 1 ? '1 agent' : `${agents} agents`}`);
  const place = join(out, 'run');
  const timings = join(out, 'timings.json');
  await rm(place, { recursive: true, force: true });
  await rm(timings, { force: true });
  if (basis !== null) await fileTimingStore(timings, () => undefined).save(timingsOf(basis));
  const args = [
    ...[...paths, '--agents', String(agents), '--numprocesses', numprocesses, '--worker-memory', String(workerBytes)],
    ...['--python', settings.python, '--workspace', workspace, '--serial-marker', serialMarker],
    ...(redisBin === null ? [] : ['--redis-bin', redisBin]),
    ...['--out', place, '--timings', timings, '--pool', `audit-${process.pid}`, '--quiet', '--maxfail', '0'],
    // Comes after the user's own arguments, as for plain pytest: the run must not change pytest's cache in the user's workspace.
    ...['--', ...pytestArgs, '-o', `cache_dir=${join(out, 'cache')}`],
  ];
  const { SHARDLINE_REDIS_URL: _elsewhere, ...env } = edge.env;
  const ran = await runSharded(
    {
      program: edge.program,
      args,
      cwd: edge.cwd,
      env: { ...env, SHARDLINE_GITHUB: 'false', [LAUNCHER_VARIABLE]: edge.launcher },
      limitSeconds,
    },
    signal,
  );
  const nothing = { sharded: null, shardSeconds: FIXED_SECONDS };
  try {
    const { report } = await readFinishedRun(place, edge.cwd);
    if (report.tests.length === 0) {
      problems.push(`shardline ran no test: ${lastLine(ran.said)}`);
      return nothing;
    }
    if (report.totals.notRun > 0)
      problems.push(`shardline did not run ${report.totals.notRun} tests or files: its time is not that of the whole suite.`);
    return { sharded: { seconds: ran.seconds, agents, report }, shardSeconds: FIXED_SECONDS };
  } catch (thrown) {
    if (!(thrown instanceof ShardlineError) || thrown.code !== 'not-a-result') throw thrown;
    problems.push(
      `shardline could not be measured: it ended with exit code ${ran.exitCode ?? 'unknown'}: ${errorLine(ran.said) || messageOf(thrown)}`,
    );
    return nothing;
  }
}

/** Runs each suspect by itself, in its own pytest, and the whole suite in parallel once more. */
async function tryAgain(
  measuring: Measuring,
  first: readonly Execution[],
  rootdir: string,
  paths: readonly string[],
): Promise<readonly Execution[]> {
  const suspects = suspectsOf(first).slice(0, TRIED);
  if (suspects.length === 0) return [];
  const { settings, announceStep } = measuring;
  const alone = new Map<NodeId, Outcome>();
  for (const nodeid of suspects) {
    announceStep(`alone: ${oneLine(nodeid)}`);
    const { tests } = measurementOf(await plainPytest(measuring, '0', { instead: [join(rootdir, nodeid)] }));
    const found = tests.get(nodeid);
    if (found !== undefined) alone.set(nodeid, found.outcome);
  }
  announceStep(`pytest -n ${settings.numprocesses} again, because outcomes differed`);
  const again = measurementOf(await plainPytest(measuring, settings.numprocesses, { instead: paths }));
  return [
    { how: 'by itself', outcomes: alone },
    { how: 'pytest -n, again', outcomes: outcomesOf(again) },
  ];
}

const outcomesOf = ({ tests }: Measurement): Execution['outcomes'] => new Map([...tests].map(([id, { outcome }]) => [id, outcome]));

/** A pass in a baseline is evidence. A failure is not, because the test may have been fixed since. */
function passedBefore({ tests, keyOf }: Baseline, { tests: now }: Measurement): Execution {
  const outcomes = [...now.keys()].flatMap((id) => {
    const outcome = tests.get(keyOf(id))?.outcome;
    return outcome === undefined || isFailure(outcome) ? [] : [[id, outcome] as const];
  });
  return { how: 'baseline', outcomes: new Map(outcomes) };
}

const summed = ({ name, tests }: Baseline): Before => ({
  name,
  tests: tests.size,
  failed: [...tests.values()].filter(({ outcome }) => isFailure(outcome)).length,
  testSeconds: [...tests.values()].reduce((sum, { seconds }) => sum + (seconds ?? 0), 0),
});

const rootdirOf = ({ processes }: MeasuredPytest): string => {
  const opened = processes.flatMap(({ records }) => records).find(({ kind }) => kind === 'opened');
  return opened?.kind === 'opened' ? opened.rootdir : '.';
};

/** The description of a shardline error. The last line of such an error is the fix. */
const errorLine = (text: string): string => /^shardline: error: (.*)$/m.exec(text)?.[1] ?? lastLine(text);

const lastLine = (text: string): string => oneLine(text.trim().split('\n').at(-1) ?? '');
