// Runs a suite with plain pytest and with the stream engine, as a run does: discovery first, then one attempt for each file.

import { join } from 'node:path';
import type { Engine } from '../../agent/ports.ts';
import { streamEngine } from '../../agent/pytest/stream-engine.ts';
import { pytestDiscovery } from '../../coordinator/discovery/pytest-discovery.ts';
import { nodeId, pytestId } from '../../shared/domain/ids.ts';
import type { Selector } from '../../shared/domain/shard.ts';
import { type Counted, countedByPlainPytest } from '../support/plain-pytest.ts';
import { testPython } from '../support/python.ts';
import { type OpenSuite, openSuite, type Ran, type RunOptions, type Suite, selectors } from './suite.ts';

export interface CompareOptions extends Pick<RunOptions, 'numprocesses' | 'maxWorkerFiles' | 'collect'> {
  /** The working directory of both, relative to the suite. */
  readonly cwd?: string;
  readonly python?: string;
  /** The stream engine unless given. */
  readonly engine?: Engine;
}

export interface Streamed extends Counted {
  readonly ran: readonly Ran[];
}

/** Runs both with the same arguments. */
export async function bothWays(
  suite: Suite,
  args: readonly string[] = [],
  options: CompareOptions = {},
): Promise<{ readonly plain: Counted; readonly streamed: Counted; readonly ran: readonly Ran[] }> {
  const { cwd = '.', python = testPython() } = options;
  const plain = await countedByPlainPytest(python, join(suite.path, cwd), ['--continue-on-collection-errors', ...args]);
  const { ran, ...streamed } = await stream(suite, args, options);
  return { plain, streamed, ran };
}

/** Discovers the tests that these arguments select, and feeds them all at once to one session. */
export async function stream(suite: Suite, args: readonly string[] = [], options: CompareOptions = {}): Promise<Streamed> {
  const {
    cwd = '.',
    python = testPython(),
    numprocesses = '2',
    maxWorkerFiles = 0,
    collect = 'file',
    engine = streamEngine(() => undefined),
  } = options;
  const workspace = join(suite.path, cwd);
  const discovered = await pytestDiscovery().discover(
    { python, workspace, pytestArgs: args, serialMarker: 'serial' },
    new AbortController().signal,
  );
  const uncollected = new Set<string>(discovered.collectErrors.map(({ file }) => file));
  const wanted = discovered.files.map(
    ({ file, nodeids }): Selector => (nodeids === null ? { kind: 'file', file } : { kind: 'tests', file, nodeids }),
  );
  const feed = async (): Promise<readonly Ran[]> => {
    await using session = await openSuite(
      { ...suite, path: workspace },
      { engine, collect, pytestArgs: args, numprocesses, maxWorkerFiles, python },
    );
    return await Promise.all(wanted.map((selector) => session.run([selector])));
  };
  // Events of the last teardowns arrive when the session closes.
  const ran = await feed();
  for (const { events } of ran) for (const event of events) if (event.kind === 'collect-failed') uncollected.add(event.file);
  // --doctest-modules adds a second collector for a file. Plain pytest counts both under one id when the module skips itself.
  const reported = Object.assign({}, ...ran.map((one) => one.outcomes)) as Record<string, string>;
  const outcomes = Object.fromEntries(Object.entries(reported).filter(([id]) => id.includes('::') || pytestId(nodeId(id)) === id));
  return { ran, outcomes, uncollected: [...uncollected].sort() };
}

/** Opens a session of the stream engine, with one xdist worker by default. */
export const openFed = (suite: Suite, options: RunOptions = {}): Promise<OpenSuite> =>
  openSuite(suite, { engine: streamEngine(() => undefined), numprocesses: '1', ...options });

/** Runs each file as its own attempt. One xdist worker runs them in this order. */
export async function feed(suite: Suite, files: readonly string[], options: RunOptions = {}): Promise<Ran[]> {
  await using session = await openFed(suite, options);
  return await Promise.all(files.map((file) => session.run(selectors(file))));
}

export const merged = (ran: readonly Ran[]): Record<string, string> => Object.assign({}, ...ran.map(({ outcomes }) => outcomes));
