// Reports progress while a run is on: a screen below the permanent lines if a person watches, otherwise plain lines. Events drive it, never
// a timer.

import type { Clock } from '../../../shared/clock.ts';
import type { Verbosity } from '../../../shared/settings/settings.ts';
import type { Drawable, Output } from '../../../shared/system/edge.ts';
import { harmless } from '../../../shared/text/safe-text.ts';
import { createRunningTests } from '../../core/state/attempts/running-tests.ts';
import type { RunObserver } from '../../run-observer.ts';
import { paintFor, paintHead } from '../text/colors.ts';
import { eventLines } from './event-lines.ts';
import { createPlainLines } from './plain-lines.ts';
import type { ProgressOutput } from './progress-output.ts';
import type { RunView } from './run-status.ts';
import { count, tallyOf } from './tally.ts';

export interface Progress extends RunObserver {
  /** Prints a line from another part of the program. */
  say(line: string): void;
  end(): void;
}

export interface ProgressOptions {
  readonly out: Output;
  readonly verbosity: Verbosity;
  readonly color: boolean;
  /** The terminal to draw on; null to print lines. */
  readonly screen: Drawable | null;
  readonly clock: Clock;
}

/** Loads the drawing code only if it is needed. */
export async function openProgress({ out, verbosity, color, screen, clock }: ProgressOptions): Promise<Progress> {
  const paint = paintFor(color);
  if (verbosity === 'quiet') return { observe: () => undefined, say: (line) => out.write(`${harmless(line)}\n`), end: () => undefined };
  const output = screen === null ? createPlainLines(out, clock) : (await import('./live-screen.ts')).createLiveScreen(screen, paint, clock);
  return progressOn(output, verbosity, clock, (line) => paintHead(paint, line));
}

function progressOn(output: ProgressOutput, verbosity: Verbosity, clock: Clock, painted: (line: string) => string): Progress {
  // Agents' clocks may differ from this one, so the age of a test counts from when the coordinator received its start.
  const running = createRunningTests(() => clock.now());
  let view: RunView | null = null;
  let lateForecasts = 0;
  return {
    observe(event, state, changes) {
      const forecast = view?.forecast ?? null;
      const tally = view?.tally ?? tallyOf(state);
      running.observe(event);
      if (view !== null) for (const change of changes) if (change.kind === 'result-accepted') count(tally, change);
      const lines = eventLines({ event, state, changes, tally, lateForecasts }, verbosity);
      if (event.kind === 'forecast') lateForecasts = (event.lateSeconds ?? 0) > 0 ? lateForecasts + 1 : 0;
      view = { state, tally, running, forecast: event.kind === 'forecast' ? event : forecast };
      output.print(lines.map(painted), view);
    },
    say: (line) => output.print([harmless(line)], view),
    end: () => output.end(),
  };
}
