// Validates the plugin's messages: one JSON object per line. The Python writer is shared/pytest/plugin/lib/shardline_pytest.

import { z } from 'zod';
import { nodeId } from '../../shared/domain/ids.ts';
import { allNeeds, NEEDS_LIMITS, type TestNeeds } from '../../shared/domain/needs.ts';
import { listOrders } from '../../shared/domain/suite/suite-list.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { labelsSchema, needNameSchema, unitsSchema } from '../../shared/wire/attempt.ts';
import { checked, parseJson } from '../../shared/wire/parse.ts';
import { pythonPrintSchema } from '../../shared/wire/suite/fingerprint.ts';

/**
 * Longest line in bytes. The longest valid message is a file's list of node ids; the codec rejects a longer line instead of holding it in
 * memory.
 */
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

/** pytest's output besides results. `deselected` has the number of deselected tests for each file, once per collection. */
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

/** What one test needs: labels of its agent, and units of resources by name. */
const testNeeds = z.object({
  nodeid: z.string(),
  labels: labelsSchema,
  resources: z
    .record(needNameSchema, unitsSchema)
    .refine((resources) => Object.keys(resources).length <= NEEDS_LIMITS.names, `more than ${NEEDS_LIMITS.names} resources`),
});

/** The needs of a test in the words of a run. */
export const needsFrom = ({ nodeid, labels, resources }: z.infer<typeof testNeeds>): TestNeeds => ({
  nodeid: nodeId(nodeid),
  needs: allNeeds({ labels, resources: Object.entries(resources).map(([name, units]) => ({ name, units })) }),
});

const message = z.discriminatedUnion('kind', [
  shown,
  /**
   * The first message on the connection that a process writes to. `main` runs tests without xdist, `controller` has xdist workers, and `gw0`… are those workers.
   */
  z.object({ kind: z.literal('hello'), worker: z.string(), pid: z.number().int() }),
  z.object({
    kind: z.literal('started'),
    executable: z.string(),
    workers: z.number().int(),
    python: z.string(),
    pytest: z.string(),
    xdist: z.string(),
    /** Why this pytest cannot be fed files one by one; null when it can. */
    unfeedable: z.string().nullable(),
    /** The prefixes of the paths in pytest-cov's data; null when pytest-cov measures nothing for shardline. */
    coverage: z.object({ workspace: z.string(), packages: z.string() }).nullable(),
    fingerprint: pythonPrintSchema,
  }),
  /** `serial`: the node ids that are postponed. `mayBackUp`: no test of the file is marked `no_speculation`. */
  z.object({
    kind: z.literal('collected'),
    task: z.number().int(),
    file: z.string(),
    nodeids: z.array(z.string()),
    serial: z.array(z.string()),
    needs: z.array(testNeeds),
    /** Tests that need more than the task has, and are postponed. */
    unmet: z.array(z.string()),
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
    /** Only for a module that skipped itself: the task that it belongs to, and its file. */
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
  /**
   * A fed worker waits for tasks (`ready`), starts to collect a file (`collecting`; task 0 is the whole list), and completes a task
   * (`task-done`). `isWhole`: it left out nothing of the task. `isLast`: it ends after this task. `isCovered`: it wrote all the coverage it
   * measured.
   */
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('collecting'), task: z.number().int(), file: z.string() }),
  /** The worker has reached the last test it knows of and asks for the next. */
  z.object({ kind: z.literal('needs-next') }),
  /** This process ends, and what is left of the task needs another one. `isCovered`: it wrote all the coverage it measured. */
  z.object({ kind: z.literal('handed-back'), task: z.number().int(), isCovered: z.boolean() }),
  z.object({ kind: z.literal('task-done'), task: z.number().int(), isWhole: z.boolean(), isLast: z.boolean(), isCovered: z.boolean() }),
  /** Frame the teardown of fixtures that outlived their file; `nodeid` is the last test that ran before. `message` describes a failure. */
  z.object({ kind: z.literal('tearing-down'), nodeid: z.string() }),
  z.object({ kind: z.literal('torn-down'), nodeid: z.string(), message: z.string().nullable() }),
  /**
   * `relaying`: reports also pass through pytest's main process, and `why` names what needs them there. `not-relayed`: one report did not
   * get there.
   */
  z.object({ kind: z.literal('relaying'), why: z.string() }),
  z.object({ kind: z.literal('not-relayed'), nodeid: z.string(), problem: z.string() }),
  /** xdist workers start as new interpreters, or some of them do, and `why` names what a fork would change. */
  z.object({ kind: z.literal('not-forked'), why: z.string() }),
  /** The worker's current work called pytest.exit or raised KeyboardInterrupt. */
  z.object({ kind: z.literal('exit-requested'), reason: z.string() }),
  /** pytest raised an internal error in this worker, which ends because of it. */
  z.object({ kind: z.literal('internal-error'), message: z.string() }),
  /** The whole list, as this worker collected it: its properties, then its tests if the agent asked for them, and its end. */
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
  z.object({ kind: z.literal('list-group'), file: z.string(), nodeids: z.array(z.string()), needs: z.array(testNeeds) }),
  z.object({
    kind: z.literal('list-end'),
    hash: z.string(),
    /** null when the worker proves nothing. */
    problems: z.array(z.string()).nullable(),
    digests: z.array(z.tuple([z.string(), z.string()])),
    loads: z.array(z.object({ file: z.string().nullable(), modules: z.array(z.string()) })),
  }),
  /**
   * Frame the check whether a failed test, whose result is out, needs modules that other test files load: the worker imports these files,
   * then runs the test again.
   */
  z.object({ kind: z.literal('examining'), nodeid: z.string(), step: z.enum(['imports', 'test']) }),
  z.object({ kind: z.literal('examined') }),
  /** The files of the suite depend on each other. */
  z.object({ kind: z.literal('inseparable'), why: z.string(), file: z.string().nullable(), companions: z.array(z.string()) }),
  /** pytest rejected the paths or options. */
  z.object({ kind: z.literal('usage-error'), message: z.string() }),
  /** The controller waits for the ids of xdist workers: of all its first ones, or of one replacement. */
  z.object({ kind: z.literal('workers-wanted'), count: z.number().int().nonnegative(), isReplacement: z.boolean() }),
  /** `isReplaced`: xdist starts another worker in its place. */
  z.object({ kind: z.literal('worker-down'), worker: z.string(), error: z.string(), isReplaced: z.boolean() }),
  z.object({ kind: z.literal('finished'), exitCode: z.number().int(), byMaxfail: z.boolean() }),
]);

/** The only message on the connection that a process reads from. It comes before `hello`, and the process waits for an answer. */
const listens = z.object({ kind: z.literal('listens'), worker: z.string() });
const line = z.discriminatedUnion('kind', [listens, message]);

export type PytestMessage = z.infer<typeof message>;
export type Listens = z.infer<typeof listens>;
export type ShownMessage = z.infer<typeof shown>;

/** Names the sender in errors. */
const PYTEST = 'a message of pytest';

/** Decodes one line. Throws `bad-message`. */
export const decodeMessage = (text: string): PytestMessage | Listens => checked(line, parseJson(text, PYTEST), PYTEST);

/**
 * Splits a byte stream into lines. A crash may cut off the last line, so an unterminated one is dropped. Throws `bad-message` when a line
 * is too long.
 */
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
      throw new ShardlineError('bad-message', { source: PYTEST, problem: `a line is longer than ${limitBytes} bytes` });
    }
    return lines;
  };
}
