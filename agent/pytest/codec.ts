// What our plugin sends, checked once: one JSON object a line. Its Python writer is shared/pytest/plugin/lib/shardline_pytest.

import { z } from 'zod';
import { listOrders } from '../../shared/domain/suite-list.ts';
import { messageOf, ShardlineError } from '../../shared/errors.ts';
import { pythonPrintSchema } from '../../shared/wire/fingerprint.ts';

/** A file's list of node ids is the longest message; one that is longer is refused rather than held in memory. */
const LINE_BYTES = 64 * 1024 * 1024;

const phase = z.object({
  when: z.string(),
  outcome: z.string(),
  seconds: z.number(),
  xfailReason: z.string().nullable(),
  isSubtest: z.boolean(),
  message: z.string().nullable(),
  crash: z.string().nullable().default(null),
});

const warning = z.object({ category: z.string(), message: z.string(), file: z.string(), line: z.int(), count: z.int().positive() });

/** What pytest shows besides results. `deselected` has the tests left out of each file, each time that it is collected. */
const shown = z.discriminatedUnion('what', [
  z.object({
    kind: z.literal('shown'),
    what: z.literal('header'),
    lines: z.array(z.string()),
    asked: z.object({ outcomes: z.string(), durations: z.int().nullable(), leastSeconds: z.number() }),
  }),
  z.object({ kind: z.literal('shown'), what: z.literal('section'), title: z.string(), text: z.string() }),
  z.object({ kind: z.literal('shown'), what: z.literal('warning'), when: z.string(), nodeid: z.string().nullable(), warning }),
  z.object({ kind: z.literal('shown'), what: z.literal('deselected'), counts: z.record(z.string(), z.int().positive()) }),
]);

const message = z.discriminatedUnion('kind', [
  shown,
  /** First on every connection: `main` runs tests without xdist, `controller` has xdist workers, `gw0`… are these. */
  z.object({ kind: z.literal('hello'), worker: z.string(), pid: z.number().int() }),
  z.object({
    kind: z.literal('started'),
    executable: z.string(),
    workers: z.number().int(),
    python: z.string(),
    pytest: z.string(),
    xdist: z.string(),
    /** Why files cannot be fed one by one to this pytest; null when they can. */
    unfeedable: z.string().nullable(),
    /** Where the paths of pytest-cov's data begin; null where it measures nothing for us. */
    coverage: z.object({ workspace: z.string(), packages: z.string() }).nullable(),
    fingerprint: pythonPrintSchema,
  }),
  /** `serial`: those of `nodeids` that are put off. `mayBackUp`: no test of the file is marked `no_speculation`. */
  z.object({
    kind: z.literal('collected'),
    task: z.number().int(),
    file: z.string(),
    nodeids: z.array(z.string()),
    serial: z.array(z.string()),
    mayBackUp: z.boolean(),
    digest: z.string().nullable(),
    seconds: z.number(),
  }),
  z.object({
    kind: z.literal('collect-failed'),
    task: z.number().int(),
    file: z.string(),
    errors: z.array(z.object({ nodeid: z.string(), message: z.string() })).min(1),
  }),
  z.object({ kind: z.literal('test-started'), nodeid: z.string(), at: z.number() }),
  z.object({
    kind: z.literal('test-finished'),
    /** Of a module that skipped itself: the task that it belongs to, and its file. */
    task: z.number().int().optional(),
    file: z.string().optional(),
    nodeid: z.string(),
    at: z.number(),
    startedAt: z.number(),
    line: z.number().int().nullable(),
    phases: z.array(phase),
    sections: z.array(z.object({ title: z.string(), text: z.string() })),
    warnings: z.array(warning).default([]),
    properties: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
    rssBytes: z.number(),
    cpuSeconds: z.number(),
  }),
  /** A fed worker: waits for tasks; begins to collect a file (task 0: the whole list); is done with a task, of which nothing was left out when `isWhole`, and ends after it when `isLast`. `isCovered`: all that it measured is written. */
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('collecting'), task: z.number().int(), file: z.string() }),
  /** A worker is at the last test that it knows of: which is next? */
  z.object({ kind: z.literal('needs-next') }),
  /** The task needs another process, as this one has wound down. */
  z.object({ kind: z.literal('declined'), task: z.number().int() }),
  z.object({ kind: z.literal('task-done'), task: z.number().int(), isWhole: z.boolean(), isLast: z.boolean(), isCovered: z.boolean() }),
  /** Around the teardown of what outlived its file; `nodeid` ran last before. `message`: how it failed. */
  z.object({ kind: z.literal('tearing-down'), nodeid: z.string() }),
  z.object({ kind: z.literal('torn-down'), nodeid: z.string(), message: z.string().nullable() }),
  /** Reports also go through pytest's main process, and what needs them there; one that could not. */
  z.object({ kind: z.literal('relaying'), why: z.string() }),
  z.object({ kind: z.literal('not-relayed'), nodeid: z.string(), problem: z.string() }),
  /** pytest.exit or a KeyboardInterrupt, in whatever the worker is at. */
  z.object({ kind: z.literal('exit-requested'), reason: z.string() }),
  /** pytest broke in this worker, which ends by it. */
  z.object({ kind: z.literal('internal-error'), message: z.string() }),
  /** The whole list, as this worker collected it: what it is like, then its tests where they were asked for, and its end. */
  z.object({
    kind: z.literal('listed'),
    hash: z.string(),
    tests: z.number().int(),
    order: z.enum(listOrders),
    why: z.string().nullable(),
    tail: z.number().int().nullable(),
    bound: z.array(z.string()),
    others: z.array(z.string()),
    failed: z.array(z.string()),
    stepwiseCount: z.number().int().nonnegative().nullable(),
  }),
  z.object({ kind: z.literal('file-collected'), file: z.string() }),
  z.object({ kind: z.literal('list-group'), file: z.string(), nodeids: z.array(z.string()) }),
  z.object({
    kind: z.literal('list-end'),
    hash: z.string(),
    /** null where the worker proves nothing. */
    problems: z.array(z.string()).nullable(),
    digests: z.array(z.tuple([z.string(), z.string()])),
    modules: z.array(z.string()),
  }),
  /** The files of the suite depend on each other. */
  z.object({ kind: z.literal('inseparable'), why: z.string(), lacksModules: z.boolean() }),
  /** pytest refuses the paths or options. */
  z.object({ kind: z.literal('usage-error'), message: z.string() }),
  /** The controller waits for ids of xdist workers: of all that it starts, or of one that replaces another. */
  z.object({ kind: z.literal('workers-wanted'), count: z.number().int().nonnegative(), isReplacement: z.boolean() }),
  /** `isReplaced`: xdist starts another worker in its place. */
  z.object({ kind: z.literal('worker-down'), worker: z.string(), error: z.string(), isReplaced: z.boolean() }),
  z.object({ kind: z.literal('finished'), exitCode: z.number().int(), byMaxfail: z.boolean() }),
]);

export type PytestMessage = z.infer<typeof message>;
export type ShownMessage = z.infer<typeof shown>;

/** Turns one line into a message. Throws `bad-message`. */
export function decodeMessage(line: string): PytestMessage {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (thrown) {
    throw new ShardlineError('bad-message', { source: 'pytest', problem: messageOf(thrown) }, { cause: thrown });
  }
  const result = message.safeParse(value);
  if (!result.success) throw new ShardlineError('bad-message', { source: 'pytest', problem: z.prettifyError(result.error) });
  return result.data;
}

/** Cuts a byte stream into lines; a last line without its end was cut off by a crash and is dropped. Throws `bad-message` on one too long. */
export function createLineSplitter(limitBytes: number = LINE_BYTES): (chunk: Buffer) => readonly string[] {
  let held: Buffer[] = [];
  let heldBytes = 0;
  return (chunk) => {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      lines.push(Buffer.concat([...held, chunk.subarray(from, end)]).toString('utf8'));
      held = [];
      heldBytes = 0;
      from = end + 1;
    }
    held.push(chunk.subarray(from));
    heldBytes += chunk.length - from;
    if (heldBytes > limitBytes) {
      throw new ShardlineError('bad-message', { source: 'pytest', problem: `a line is longer than ${limitBytes} bytes` });
    }
    return lines;
  };
}
