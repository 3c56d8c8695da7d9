// Progress during a run, on a terminal and in a log.

import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import type { CoordinatorEvent } from '../../../coordinator/core/state/events.ts';
import { reduce } from '../../../coordinator/core/state/reduce.ts';
import { openRun } from '../../../coordinator/core/state/run-state.ts';
import { openProgress, type ProgressOptions } from '../../../coordinator/reporters/progress/progress.ts';
import { agentId, nodeId } from '../../../shared/domain/ids.ts';
import {
  a1,
  closedDone,
  collected,
  collectFailed,
  enqueued,
  finished,
  joined,
  lost,
  opened,
  reported,
  shardOf,
  started,
  tick,
} from '../core/run-kit.ts';

const opening = opened([shardOf(1, ['a.py'], 10), shardOf(2, ['b.py'], 10)]);
const begun: readonly CoordinatorEvent[] = [
  opening,
  joined(a1),
  enqueued(1),
  enqueued(2),
  started(a1, 1),
  reported(a1, 1, 1, collected('a.py', ['a.py::t', 'a.py::u'])),
  reported(a1, 1, 1, { kind: 'test-started', at: 2200, nodeid: nodeId('a.py::t'), worker: 'gw0' }),
];

/** Progress that writes to a stream in memory, with a clock that the test sets. */
async function watched({ isScreen = false, ...changes }: Partial<ProgressOptions> & { readonly isScreen?: boolean } = {}) {
  const out = Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows: 24 });
  let at = 0;
  const clock = { now: () => at, wait: () => Promise.reject(new Error('nobody waits')) };
  const progress = await openProgress({ out, verbosity: 'normal', color: false, screen: isScreen ? out : null, clock, ...changes });
  const state = openRun(opening);
  return {
    out,
    progress,
    /** Observes the events at time `now`, and returns the output. */
    receive(now: number, ...events: readonly CoordinatorEvent[]): string {
      at = now;
      for (const event of events) {
        progress.observe(event, state, reduce(state, event));
      }
      return this.written();
    },
    written: (): string => String(out.read() ?? ''),
  };
}

test('a log shows failures at once and a status line every few seconds, without control characters', async () => {
  const record = await watched();
  expect(record.receive(0, ...begun)).toBe('Run r1: found 2 test files in 2 shards\nAgent a1 joined: 2 workers on host\n');
  expect(record.receive(1000, reported(a1, 1, 1, finished('a.py::t', 'failed')), tick(1000))).toBe('FAILED a.py::t (a1)\n');
  expect(record.receive(2000, reported(a1, 2, 1, collectFailed('b.py')))).toBe('ERROR collecting b.py (a1)\n');
  expect(record.receive(4999, tick(4999))).toBe('');
  expect(record.receive(5000, tick(5000), tick(5001))).toBe('1/2 tests, 1/2 files, 1 failed, 1 collection error, 1 agent, 5 s\n');
  expect(record.receive(9000, tick(9000))).toBe('');
  expect(record.receive(200_000, tick(200_000))).toContain('1/2 tests');
  expect(record.receive(205_000, tick(205_000))).toBe('');
  record.progress.end();
  expect(record.written()).toBe('');
});

test('shows a worker as idle after a second without a test, and sorts agents', async () => {
  const screen = await watched({ isScreen: true });
  screen.receive(0, opening, joined(agentId('a10')), ...begun.slice(1));
  const done = stripVTControlCharacters(screen.receive(2000, reported(a1, 1, 1, finished('a.py::t')), tick(2000)));
  expect(done).toMatch(/a1 on host: 2 workers\n {2}gw0 {7}a\.py::t\na10 on host: 2 workers, no test yet\n/);
  const idle = stripVTControlCharacters(screen.receive(5100, tick(5100), tick(5200)));
  expect(idle).toContain('gw0       idle for 3 s\n');
  expect(idle).toContain('slowest now: no test over 1 s\n');
  screen.progress.end();
});

test('draws the screen below permanent lines, a few times a second, and removes it at the end', async () => {
  const screen = await watched({ isScreen: true });
  expect(screen.receive(0, opening)).toContain('Run r1: found 2 test files in 2 shards\n');
  expect(screen.receive(50, ...begun.slice(1))).toBe('');
  expect(screen.receive(3050, tick(3050))).toMatch(/Agent a1 joined: 2 workers on host\n[\s\S]*slowest now: 3 s a\.py::t \(a1 gw0\)/);
  const failed = screen.receive(3200, reported(a1, 1, 1, finished('a.py::t', 'failed')));
  expect(stripVTControlCharacters(failed)).toMatch(/^FAILED a\.py::t \(a1\)\n[\s\S]*1 test {2}0\/2 files\n1 failed\n/);
  expect(screen.receive(3210, reported(a1, 1, 1, finished('a.py::u', 'error')))).toBe('');
  screen.progress.end();
  const last = screen.written();
  expect(last.endsWith('ERROR a.py::u (a1)\n')).toBe(true);
  expect(last).not.toContain('\u001b[?25l');
});

test('redraws a resized terminal at once with its new width', async () => {
  const screen = await watched({ isScreen: true });
  screen.receive(0, ...begun);
  screen.receive(3000, tick(3000));
  Object.assign(screen.out, { columns: 30 });
  screen.out.emit('resize');
  const lines = stripVTControlCharacters(screen.written()).split('\n');
  expect(lines.length).toBeGreaterThan(4);
  for (const line of lines) expect(line.length).toBeLessThan(30);
  screen.progress.end();
  screen.written();
  screen.out.emit('resize');
  expect(screen.written()).toBe('');
});

test('prints messages of others above the screen, without their control characters', async () => {
  const screen = await watched({ isScreen: true });
  screen.receive(0, ...begun);
  screen.progress.say('shardline agent a1: \u001b[2Jslow');
  screen.progress.end();
  expect(stripVTControlCharacters(screen.written())).toMatch(/shardline agent a1: slow\n$/);
});

test('reports a missed deadline after two late forecasts, and when the run is on time again', async () => {
  const record = await watched();
  record.receive(0, ...begun);
  const remedy = { agents: 1, workersPerAgent: 2, leaveOut: { files: 0, named: [] } };
  const late: CoordinatorEvent = { kind: 'forecast', at: 1000, secondsLeft: 20, lateSeconds: 5, remedy };
  const inTime: CoordinatorEvent = { kind: 'forecast', at: 1000, secondsLeft: 9, lateSeconds: 0, remedy: null };
  expect(record.receive(1000, late, inTime, late)).toBe('');
  expect(record.receive(1000, late)).toBe(
    'At this rate the run misses its deadline by 5 s. Fix: raise --deadline, or add 1 agent (2 workers).\n',
  );
  expect(record.receive(1000, late, inTime)).toBe('On time for the deadline again: done in about 9 s\n');
});

test('an interrupt names the key that quits at once, and a whole-suite run starts without shards', async () => {
  const record = await watched();
  const suite = { ...opening, spec: { ...opening.spec, collect: 'suite' as const } };
  expect(record.receive(0, suite)).toBe('Run r1: found 2 test files\n');
  const by = (name: string): CoordinatorEvent => ({ kind: 'interrupt-requested', at: 1000, by: name });
  expect(record.receive(0, by('SIGINT'))).toBe('Interrupted: finishing up, results are kept. Press Ctrl-C again to quit now.\n');
  expect(record.receive(0, by('SIGTERM'))).toBe('Interrupted by SIGTERM: finishing up, results are kept. Send it again to quit now.\n');
});

test('verbose prints every test, quiet prints none', async () => {
  const passed = reported(a1, 1, 1, finished('a.py::t'));
  expect((await watched({ verbosity: 'verbose', color: true })).receive(0, ...begun, passed)).toContain(
    '\n\u001b[32mPASSED\u001b[39m a.py::t (a1)\n',
  );
  expect((await watched({ verbosity: 'quiet', isScreen: true })).receive(9000, ...begun, passed, closedDone())).toBe('');
});

test('an agent that drains is named, and one that was quarantined is not named again as lost', async () => {
  const record = await watched();
  record.receive(0, ...begun);
  expect(record.receive(1000, { kind: 'agent-draining', at: 3000, agent: a1 })).toContain('Agent a1 drains: it takes no more shards.');
  expect(record.receive(2000, { kind: 'agent-dismissed', at: 4000, agent: a1, why: 'messages' })).toContain('Quarantined agent a1');
  expect(record.receive(3000, lost(a1, 5000))).not.toContain('Lost agent');
});
