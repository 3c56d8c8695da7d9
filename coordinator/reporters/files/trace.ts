// Writes a run as a trace for Perfetto or chrome://tracing: one process per agent, one thread per xdist worker.
// The format: "Trace Event Format", Duda and Hughes, Google 2016 (complete events X, async events b and e, instants i, metadata M).

import { assertNever } from '../../../shared/assert-never.ts';
import type { AgentId } from '../../../shared/domain/ids.ts';
import type { Report } from '../../../shared/domain/report.ts';
import type { TraceMark } from './trace-marks.ts';

interface TraceEvent {
  readonly ph: 'X' | 'M' | 'i' | 'b' | 'e';
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly cat?: string;
  readonly id?: string;
  readonly s?: 'g' | 'p';
  readonly args?: Readonly<Record<string, string | number>>;
}

/** The process id of the coordinator, which is the first process. */
const COORDINATOR = 1;

/**
 * Returns the whole JSON document. Times are microseconds since the command's start. Tests come from the report, everything
 * else from `marks`.
 */
export function traceJson(report: Report, marks: readonly TraceMark[]): string {
  const startedAt = Date.parse(report.startedAt);
  const micro = (at: number): number => Math.round((at - startedAt) * 1000);
  const places = createPlaces(report);
  const traced = [...testSlices(report, places, micro), ...coordinatorSlices(report, micro), ...markSlices(marks, places, micro)];
  // One event per line, because people read this file too.
  return `{"displayTimeUnit":"ms","traceEvents":[\n${[...places.metadata(), ...traced].map((event) => JSON.stringify(event)).join(',\n')}\n]}\n`;
}

interface Places {
  pid(agent: AgentId): number;
  tid(agent: AgentId, worker: string): number;
  metadata(): TraceEvent[];
}

/** Assigns process and thread ids to agents and xdist workers in order of appearance. Thread 0 of a process is the agent itself. */
function createPlaces(report: Report): Places {
  const pids = new Map<AgentId, number>();
  const tids = new Map<string, { readonly pid: number; readonly tid: number; readonly worker: string }>();
  const pid = (agent: AgentId): number => {
    const known = pids.get(agent) ?? COORDINATOR + 1 + pids.size;
    pids.set(agent, known);
    return known;
  };
  for (const { id } of report.agents) pid(id);
  return {
    pid,
    tid(agent, worker) {
      const key = `${agent} ${worker}`;
      const known = tids.get(key) ?? { pid: pid(agent), tid: tids.size + 1, worker };
      tids.set(key, known);
      return known.tid;
    },
    metadata: () => [
      named('process_name', COORDINATOR, 0, `coordinator of ${report.runId}`),
      ...[...pids].map(([agent, number]) => named('process_name', number, 0, `agent ${agent}`)),
      ...[...pids.values()].map((number) => named('thread_name', number, 0, 'agent')),
      ...[...tids.values()].map((place) => named('thread_name', place.pid, place.tid, place.worker === '' ? 'pytest' : place.worker)),
    ],
  };
}

const named = (name: 'process_name' | 'thread_name', pid: number, tid: number, value: string): TraceEvent => ({
  ph: 'M',
  name,
  pid,
  tid,
  args: { name: value },
});

type Micro = (at: number) => number;

function testSlices(report: Report, places: Places, micro: Micro): TraceEvent[] {
  return report.tests.flatMap(({ nodeid, attempts }) =>
    attempts
      .filter(({ startedAt }) => Date.parse(startedAt) > 0)
      .map(({ agent, worker, startedAt, seconds, outcome }): TraceEvent => {
        const place = { pid: places.pid(agent), tid: places.tid(agent, worker) };
        return {
          ph: 'X',
          name: nodeid,
          cat: `test,${outcome}`,
          ...place,
          ts: micro(Date.parse(startedAt)),
          dur: Math.round(seconds * 1e6),
          args: { outcome },
        };
      }),
  );
}

function coordinatorSlices(report: Report, micro: Micro): TraceEvent[] {
  const own = { pid: COORDINATOR, tid: 0 };
  const { setupSeconds, discoverySeconds, mergeSeconds } = report.profile;
  const slice = (name: string, tid: number, ts: number, seconds: number): TraceEvent => ({
    ph: 'X',
    name,
    cat: 'run',
    pid: COORDINATOR,
    tid,
    ts,
    dur: Math.round(seconds * 1e6),
  });
  const endAt = micro(Date.parse(report.finishedAt));
  const waits = report.waits.flatMap(({ shard, labels, resources, startedAt, seconds }): TraceEvent[] => {
    const about = { name: `${shard} waits for ${[...labels, ...resources].join(', ')}`, cat: 'wait', id: `wait ${shard}`, ...own };
    const at = micro(Date.parse(startedAt));
    return [
      { ph: 'b', ...about, ts: at },
      { ph: 'e', ...about, ts: at + Math.round(seconds * 1e6) },
    ];
  });
  return [
    ...waits,
    slice('set-up', 1, 0, setupSeconds),
    slice('discovery', 2, 0, discoverySeconds),
    slice('merge', 1, endAt, mergeSeconds),
    { ph: 'i', name: `verdict: ${report.verdict}`, ...own, ts: endAt, s: 'g' },
  ];
}

function markSlices(marks: readonly TraceMark[], places: Places, micro: Micro): TraceEvent[] {
  return marks.flatMap((mark): TraceEvent[] => {
    switch (mark.kind) {
      case 'instant':
        return mark.agent === null
          ? [instant(mark.name, COORDINATOR, micro(mark.at), 'g')]
          : [instant(mark.name, places.pid(mark.agent), micro(mark.at), 'p')];
      case 'shard': {
        const about = { name: `shard ${mark.shard}`, cat: 'shard', id: mark.attempt, pid: places.pid(mark.agent), tid: 0 };
        return [
          { ph: 'b', ...about, ts: micro(mark.from), args: { attempt: mark.attempt, ending: mark.ending } },
          { ph: 'e', ...about, ts: micro(mark.to) },
        ];
      }
      case 'collection': {
        const place = { pid: places.pid(mark.agent), tid: places.tid(mark.agent, mark.worker) };
        const ts = micro(mark.to - mark.seconds * 1000);
        return [{ ph: 'X', name: `collect ${mark.file}`, cat: 'collection', ...place, ts, dur: Math.round(mark.seconds * 1e6) }];
      }
      default:
        return assertNever(mark);
    }
  });
}

const instant = (name: string, pid: number, ts: number, s: 'g' | 'p'): TraceEvent => ({ ph: 'i', name, pid, tid: 0, ts, s });
