// A copy of a suite for one way of running: lists what a run leaves in it, and restores it for the next run.

import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import picomatch from 'picomatch';
import { readJunit } from './junit-cases.ts';
import { distinct } from './observation.ts';
import type { OracleSuite, Read, Step } from './suite.ts';

/** Memory and caches that a run may leave, and caches of Python. */
const MEMORY = ['.shardline', '.pytest_cache', '__pycache__'];

export interface Workspace extends Disposable {
  /** The suite's copy. */
  readonly directory: string;
  /** The directory in which the suite starts. */
  readonly cwd: string;
  /** A directory beside the suite, for records and reports. */
  readonly scratch: string;
  write(files: Step['write']): void;
  /** The paths that the suite did not have, sorted. */
  left(): string[];
  read(reads: readonly Read[]): Record<string, unknown>;
  cache(): Record<string, unknown>;
  /** Removes the files that a run left, and restores those that it changed. Memory and caches stay. */
  restore(): void;
}

/** Copies the suite's folder into a new temporary directory. Disposing of the workspace removes it. */
export function openWorkspace(suite: OracleSuite): Workspace {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'shardline-oracle-')));
  const directory = join(base, 'suite');
  const scratch = join(base, 'scratch');
  mkdirSync(scratch);
  const lay = (): void => cpSync(suite.folder, directory, { recursive: true, filter: (path) => !isHeld(relative(suite.folder, path)) });
  lay();
  const had = new Set(filesBelow(directory));
  const isIgnored = picomatch([...suite.ignore], { dot: true });
  const left = (): string[] => filesBelow(directory).filter((path) => !had.has(path) && !isIgnored(path));
  const at = (path: string): string => join(directory, path);
  return {
    directory,
    scratch,
    cwd: join(directory, suite.cwd),
    left,
    write(files) {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(at(path)), { recursive: true });
        writeFileSync(at(path), text);
        had.add(path);
      }
    },
    read: (reads) => Object.fromEntries(reads.map((read) => [read.path, readAs(directory, read)])),
    cache: () =>
      Object.fromEntries(['lastfailed', 'nodeids', 'stepwise'].map((name) => [name, readJson(at(`.pytest_cache/v/cache/${name}`))])),
    restore() {
      clear(directory);
      lay();
    },
    [Symbol.dispose]: () => rmSync(base, { recursive: true, force: true }),
  };
}

const isHeld = (path: string): boolean => path === 'oracle.json' || path.split('/').some((part) => MEMORY.includes(part));

/** Removes everything except memory and caches in any folder. */
function clear(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (MEMORY.includes(entry.name)) continue;
    if (entry.isDirectory()) clear(path);
    else rmSync(path);
    if (entry.isDirectory() && readdirSync(path).length === 0) rmdirSync(path);
  }
}

const filesBelow = (directory: string): string[] =>
  readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .filter((path) => !isHeld(path))
    .sort();

function readAs(directory: string, { path: named, as, field }: Read): unknown {
  if (as === 'count') return globSync(named, { cwd: directory }).length;
  const path = join(directory, named);
  if (!existsSync(path)) return null;
  if (as === 'junit')
    return (
      readJunit(path)
        ?.map((one) => JSON.stringify(one))
        .sort() ?? null
    );
  if (as === 'lines') return readFileSync(path, 'utf8').split('\n').sort();
  const document = readJson(path) as Record<string, unknown>;
  return field === undefined ? document : document[field];
}

/** Ignores the order of a list and the date in pytest's cache. null if the file does not exist. */
function readJson(path: string): unknown {
  if (!existsSync(path)) return null;
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'), (key, held: unknown) => (key === 'last_cache_date_str' ? undefined : held));
  } catch {
    return 'not a JSON document';
  }
  return Array.isArray(value) ? distinct(value.map(String)) : value;
}
