// `shardline plan`: predicts how long a suite takes, and divides it into parts for jobs without a common Redis. It runs no test.

import { join, relative } from 'node:path';
import type { TestFile } from '../../shared/domain/ids.ts';
import { sum } from '../../shared/numbers.ts';
import { maxAutoWorkers } from '../../shared/settings/auto-workers.ts';
import type { PlanSettings } from '../../shared/settings/settings.ts';
import type { Edge } from '../../shared/system/edge.ts';
import { readMachine } from '../../shared/system/machine.ts';
import { plural } from '../../shared/text/safe-text.ts';
import { divide } from '../core/plan/divide.ts';
import { FIXED_SECONDS, planShards } from '../core/plan/plan.ts';
import { splitUnits } from '../core/plan/split.ts';
import { pytestDiscovery } from '../discovery/pytest-discovery.ts';
import { writeDivision } from '../record/division-file.ts';
import { fileTimingStore } from '../record/timings-file.ts';
import { inSeconds } from '../reporters/summary/profile-text.ts';
import { addoptsOf, planCommandLine } from './preparation/part.ts';
import { type SuiteUnits, suiteUnits } from './preparation/units.ts';

const AGENTS = [1, 2, 4, 8, 16] as const;
/** Twice as many agents hardly help if they save a smaller share of the time. */
const LEAST_GAIN = 0.2;

/** Resolves with 0, with 2 if interrupted, or with 5 if there is no test file. Throws the errors of discovery and `output-not-writable`. */
export async function planCommand(settings: PlanSettings, edge: Edge): Promise<number> {
  const interrupted = new AbortController();
  const ignore = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => edge.onSignal(name, () => interrupted.abort(name)));
  try {
    return await plan(settings, edge, interrupted.signal);
  } catch (thrown) {
    if (!interrupted.signal.aborted) throw thrown;
    edge.stderr.write(`shardline: interrupted by ${interrupted.signal.reason} before the plan was made\n`);
    return 2;
  } finally {
    for (const stop of ignore) stop();
  }
}

async function plan(settings: PlanSettings, edge: Edge, signal: AbortSignal): Promise<number> {
  const { workspace, python, serialMarker, shards, out, collect } = settings;
  const pytestArgs = [...settings.paths, ...settings.pytestArgs];
  const suite = await pytestDiscovery().discover({ workspace, python, pytestArgs, serialMarker }, signal);
  const say = (line: string): void => void edge.stdout.write(`${line}\n`);
  if (suite.files.length === 0) {
    say('No test file was found.');
    return 5;
  }
  const store = fileTimingStore(settings.timings ?? join(workspace, '.shardline', 'timings.json'), () => undefined);
  const timings = await store.load();
  const unknown = suite.files.filter(({ file }) => !timings.has(file)).length;
  const divided = suiteUnits({ failed: false, shardTogether: settings.shardTogether }, suite, timings);
  const seconds = sum(divided.units.map((unit) => unit.seconds));
  const guessed = unknown === 0 ? '' : `; ${unknown} never ran, so that ${unknown === 1 ? 'its time is' : 'their times are'} guessed`;
  say(`${plural(suite.files.length, 'test file')}, ${inSeconds(seconds)} of tests${guessed}`);
  const workers =
    settings.numprocesses === 'auto' ? maxAutoWorkers(await readMachine(), settings.workerBytes) : Number(settings.numprocesses);
  say('Time of the tests only. Starting and ending a run takes a few seconds more.');
  for (const line of predictions((agents) => predicted(divided, timings, agents * workers), workers)) say(line);
  if (shards === null) return 0;
  const parts = divide(divided.units, shards);
  for (const [place, files] of parts.entries()) say(partLine(place + 1, shards, files, divided));
  if (out === null) return 0;
  await writeDivision(out, { pytestArgs, addopts: addoptsOf(edge), collect, parts });
  const path = relative(edge.cwd, out);
  const request = { ...settings, workspace: relative(edge.cwd, workspace) };
  say(`Wrote ${path}. Run a part: \`${planCommandLine('ci', request, ['--shard', `1/${shards}`, '--plan', path])}\``);
  return 0;
}

/** One line for each number of agents, until twice as many save less than LEAST_GAIN. */
function predictions(secondsOf: (agents: number) => number, workers: number): readonly string[] {
  const rows = AGENTS.map((agents) => ({ agents, seconds: secondsOf(agents) }));
  const knee = rows.findIndex(({ seconds }, index) => {
    const next = rows[index + 1];
    return next !== undefined && seconds - next.seconds < LEAST_GAIN * seconds;
  });
  const lines = rows
    .slice(0, knee === -1 ? rows.length : knee + 1)
    .map(
      ({ agents, seconds }) =>
        `${plural(agents, 'agent')} with ${plural(workers, 'worker')}${agents === 1 ? '' : ' each'}: ${inSeconds(seconds)}`,
    );
  return knee === -1 ? lines : [...lines, 'More agents hardly help.'];
}

function predicted({ units, affinity }: SuiteUnits, timings: Parameters<typeof splitUnits>[1]['timings'], slots: number): number {
  const split = splitUnits(units, { timings, affinity, slots, thresholdSeconds: null });
  return planShards({ units: split, slots, fixedSeconds: FIXED_SECONDS }).predictedMakespanSeconds;
}

function partLine(index: number, total: number, files: readonly TestFile[], { units }: SuiteUnits): string {
  const own = new Set(files);
  const seconds = sum(units.filter(({ selectors }) => selectors.every(({ file }) => own.has(file))).map((unit) => unit.seconds));
  return `part ${index} of ${total}: ${plural(files.length, 'file')}, ${inSeconds(seconds)} of tests`;
}
