// `npm run bench`: compares whole commands of shardline with those of other runners, and writes bench/RESULTS.md. README.md beside that page
// has the options. A measurement that was interrupted continues where it stopped.

import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { runCommand } from './command.ts';
import { prepareEnvironments } from './environments.ts';
import { measureSuite } from './measure.ts';
import { renderPage } from './page.ts';
import { OWN, type Peer, PLAIN, peersWith, REFERENCE } from './peers.ts';
import { CACHES, type Cache, type Conditions, type Results, readResults, type SuiteResults, withSuite, writeResults } from './results.ts';
import { FULL_SIZE, type PublishedSuite, publishedSuites, type Size } from './suites.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const say = (line: string): void => console.error(`bench: ${line}`);

class UsageError extends Error {}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      suites: { type: 'string' },
      peers: { type: 'string' },
      caches: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      workers: { type: 'string', default: '2' },
      tests: { type: 'string', default: String(FULL_SIZE.tests) },
      scale: { type: 'string', default: String(FULL_SIZE.scale) },
      limit: { type: 'string', default: '3600' },
      out: { type: 'string', default: join(root, 'bench') },
      fresh: { type: 'boolean', default: false },
      render: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
    },
  });
  const all = peersWith(positive('--workers', values.workers));
  const file = join(values.out, 'results', 'results.json');
  if (values.list) {
    list(all);
    return 0;
  }
  if (values.render) {
    const kept = await readResults(file);
    if (kept === null) throw new UsageError(`there is no ${file} to render`);
    await writePage(values.out, kept, all);
    return 0;
  }
  const chosen = {
    suites: chosenFrom('--suites', publishedSuites, values.suites),
    // The reference, and what is compared, are in every round.
    peers: all.filter((peer) => [REFERENCE, OWN].includes(peer.name) || chosenFrom('--peers', all, values.peers).includes(peer)),
    caches: chosenFrom(
      '--caches',
      CACHES.map((name) => ({ name })),
      values.caches,
    ).map(({ name }): Cache => name),
  };
  const plan = {
    ...chosen,
    rounds: positive('--rounds', values.rounds),
    workers: positive('--workers', values.workers),
    size: { tests: positive('--tests', values.tests), scale: share('--scale', values.scale) },
    limitSeconds: positive('--limit', values.limit),
  };
  await measure(plan, { all, file, out: values.out, isFresh: values.fresh });
  return 0;
}

interface Plan {
  readonly suites: readonly PublishedSuite[];
  readonly peers: readonly Peer[];
  readonly caches: readonly Cache[];
  readonly rounds: number;
  readonly workers: number;
  readonly size: Size;
  readonly limitSeconds: number;
}

interface Place {
  readonly all: readonly Peer[];
  readonly file: string;
  readonly out: string;
  readonly isFresh: boolean;
}

async function measure(plan: Plan, { all, file, out, isFresh }: Place): Promise<void> {
  const environments = await prepareEnvironments(plan.peers, say);
  const conditions = await conditionsOf(environments.python, plan.workers);
  const kept = isFresh ? null : await readResults(file);
  if (kept !== null && JSON.stringify(kept.conditions) !== JSON.stringify(conditions)) {
    throw new UsageError(
      `${file} was measured under other conditions (${differences(kept.conditions, conditions)}). Fix: add --fresh to replace it`,
    );
  }
  const order = all.map(({ name }) => name);
  const known = { ...kept?.peers, ...environments.installed };
  const peers = Object.fromEntries(order.flatMap((name) => (known[name] === undefined ? [] : [[name, known[name]]])));
  let results: Results = { version: 1, conditions, peers, suites: kept?.suites ?? [] };
  const usable = plan.peers.filter(({ name }) => {
    const found = environments.installed[name];
    if (found !== undefined && 'unavailable' in found) say(`${found.title} is not available: ${found.unavailable}`);
    return found !== undefined && 'versions' in found;
  });
  const plain = all.find(({ name }) => name === PLAIN);
  if (plain === undefined) throw new Error('plain pytest is not among the peers');
  for (const suite of plan.suites) {
    await measureSuite(suite, started(suite, plan.size, results), {
      ...plan,
      environments,
      peers: usable,
      plain,
      say,
      run: runCommand,
      keep: async (measured) => {
        results = withSuite(results, measured);
        await writeResults(file, results);
        await writePage(out, results, all);
      },
    });
  }
}

/** What an earlier measurement of this size has, or nothing. */
function started({ name, title, sizedBy }: PublishedSuite, wanted: Size, { suites }: Results): SuiteResults {
  const size =
    sizedBy === undefined ? '' : { tests: `${wanted.tests.toLocaleString('en')} tests`, scale: `scale ${wanted.scale}` }[sizedBy];
  const isReduced = sizedBy !== undefined && wanted[sizedBy] < FULL_SIZE[sizedBy];
  const kept = suites.find((suite) => suite.name === name && suite.size === size);
  return { observed: {}, rounds: [], ...kept, name, title, size, isReduced };
}

async function writePage(out: string, results: Results, peers: readonly Peer[]): Promise<void> {
  const offered = { suites: publishedSuites.map(({ name }) => name), peers: peers.map(({ name }) => name) };
  const { markdown, pictures } = renderPage(results, offered);
  const folder = join(out, 'results');
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) if (name.endsWith('.svg') && !pictures.has(name)) await rm(join(folder, name));
  for (const [name, text] of pictures) await writeFile(join(folder, name), text);
  await writeFile(join(out, 'RESULTS.md'), markdown);
}

/** A commit ends in `+` if the checkout has other changes than the results themselves. */
async function conditionsOf(python: string, workers: number): Promise<Conditions> {
  const git = async (...args: string[]): Promise<string> => (await execa('git', args, { cwd: root })).stdout.trim();
  const changed = await git('status', '--porcelain', '--', '.', ':!bench/RESULTS.md', ':!bench/results');
  const [processor] = cpus();
  return {
    commit: `${(await git('rev-parse', 'HEAD')).slice(0, 12)}${changed === '' ? '' : '+'}`,
    processor: processor?.model ?? 'unknown processor',
    cores: cpus().length,
    memoryBytes: totalmem(),
    system: `${type()} ${release()}`,
    python: (await execa(python, ['--version'])).stdout.trim(),
    workers,
  };
}

function differences(left: Conditions, right: Conditions): string {
  const names = Object.keys(right) as readonly (keyof Conditions)[];
  return names.flatMap((name) => (left[name] === right[name] ? [] : [`${name} ${left[name]}, now ${right[name]}`])).join('; ');
}

function list(peers: readonly Peer[]): void {
  for (const { name, title } of publishedSuites) console.log(`suite ${name}: ${title}`);
  for (const { name, title } of peers) console.log(`peer ${name}: ${title}`);
}

function chosenFrom<T extends { readonly name: string }>(option: string, all: readonly T[], names: string | undefined): readonly T[] {
  if (names === undefined) return all;
  const wanted = names.split(',');
  const unknown = wanted.filter((name) => !all.some((each) => each.name === name));
  if (unknown.length > 0) throw new UsageError(`${option} has ${unknown.join(', ')}; known: ${all.map(({ name }) => name).join(', ')}`);
  return all.filter(({ name }) => wanted.includes(name));
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new UsageError(`${option} is a whole number from 1, not ${text}`);
  return value;
}

function share(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new UsageError(`${option} is more than 0 and at most 1, not ${text}`);
  return value;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  say(`${error.message}.`);
  process.exitCode = 4;
}
