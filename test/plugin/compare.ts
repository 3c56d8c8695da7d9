// A suite by plain pytest and by the stream engine, the way a run would do it: discovered, then every file an attempt of its own.

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
  /** Where both are started, relative to the suite. */
  readonly cwd?: string;
  readonly python?: string;
  /** The stream engine unless given. */
  readonly engine?: Engine;
}

export interface Streamed extends Counted {
  readonly ran: readonly Ran[];
}

/** Both ways with the same arguments. They are equal but for what `streamed` tells beside. */
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

/** Discovers what these arguments select and feeds it to one session, all at once. */
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
  // What is told in the last teardowns comes when the session is closed.
  const ran = await feed();
  for (const { events } of ran) for (const event of events) if (event.kind === 'collect-failed') uncollected.add(event.file);
  // --doctest-modules has two collectors of one file, which plain pytest counts under one id where it skips itself.
  const told = Object.assign({}, ...ran.map((one) => one.outcomes)) as Record<string, string>;
  const outcomes = Object.fromEntries(Object.entries(told).filter(([id]) => id.includes('::') || pytestId(nodeId(id)) === id));
  return { ran, outcomes, uncollected: [...uncollected].sort() };
}

/** An open session of the stream engine, with one xdist worker unless told otherwise. */
export const openFed = (suite: Suite, options: RunOptions = {}): Promise<OpenSuite> =>
  openSuite(suite, { engine: streamEngine(() => undefined), numprocesses: '1', ...options });

/** Each file as an attempt of its own, in this order where there is one xdist worker. */
export async function feed(suite: Suite, files: readonly string[], options: RunOptions = {}): Promise<Ran[]> {
  await using session = await openFed(suite, options);
  return await Promise.all(files.map((file) => session.run(selectors(file))));
}

export const merged = (ran: readonly Ran[]): Record<string, string> => Object.assign({}, ...ran.map(({ outcomes }) => outcomes));
