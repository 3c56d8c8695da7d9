// A generated CI workflow, and the commands that all of them share.

import type { ProjectFacts } from '../project-facts.ts';
import { shardlineLine } from '../pytest-line.ts';
import { needsServer } from '../python-versions.ts';

export interface WorkflowRequest {
  readonly facts: ProjectFacts;
  /** The number of parallel jobs. */
  readonly jobs: number;
}

export interface Workflow {
  /** Where the provider looks for it, relative to the repository. */
  readonly path: string;
  readonly content: Readonly<Record<string, unknown>>;
  /** What differs from the old configuration, or from other providers, as sentences. */
  readonly notes: readonly string[];
  /** What to do after it is written, as sentences. */
  readonly next: readonly string[];
}

/** Workflows of one provider. */
export interface Workflows {
  /** Static parts, and a job that merges them. */
  readonly parts: (request: WorkflowRequest) => Workflow;
  /** Jobs that share a queue in Redis. */
  readonly queue: (request: WorkflowRequest) => Workflow;
}

export const SECRET = 'SHARDLINE_REDIS_URL';
export const PLAN = 'plan.json';
export const TIMINGS = 'timings.json';

/** What jobs without the secret do, for the notes of a queue. */
export const WITHOUT_SECRET = `jobs without ${SECRET}, such as those of pull requests from forks, run a fixed part each, and no job merges the parts`;

/** Installs the project and shardline, with these extras. */
export const installs = ({ install, pytest }: ProjectFacts, extra: string): readonly string[] =>
  // uv adds shardline where it runs it.
  pytest.prefix[0] === 'uv' ? install : [...install, pipInstall(extra)];

export const pipInstall = (extra: string): string => `pip install 'shardline[${extra}]'`;

/** Installs what the job that merges needs: it combines the coverage of the parts. */
export const mergeInstall = ({ pytest: { options, pytestArgs } }: ProjectFacts): string =>
  [...options, ...pytestArgs].some((each) => each.startsWith('--cov')) ? `${pipInstall('node')} coverage` : pipInstall('node');

/** Installs the server that a part needs where `shardline[all]` brings none; nothing elsewhere. `sudo` is empty for images that run as root. */
export const serverInstalls = ({ pythons }: ProjectFacts, sudo: '' | 'sudo '): readonly string[] =>
  pythons.some(needsServer)
    ? [`# Before Python 3.11, shardline[all] brings no Redis server.\n${sudo}apt-get update && ${sudo}apt-get install -y redis-server`]
    : [];

/** `exec` lets the signal of a cancelled job reach shardline. */
export const ciLine = ({ pytest }: ProjectFacts, own: readonly string[]): string =>
  `exec ${shardlineLine(withoutJunit(pytest), 'ci', own)}`;

/** `timings`: the file of durations, or null if the provider keeps none. */
export const planLine = ({ pytest }: ProjectFacts, jobs: number, timings: string | null = TIMINGS): string =>
  shardlineLine({ ...pytest, options: [] }, 'plan', ['--shards', String(jobs), ...timingsOption(timings), '--out', PLAN]);

/** The job that merges writes the JUnit file that the old line wrote. */
export function mergeLine(facts: ProjectFacts, parts: string, timings: string | null = TIMINGS): string {
  const junit = junitOf(facts);
  return ['exec shardline report --merge', parts, ...timingsOption(timings), ...(junit === null ? [] : ['--junit-xml', junit])].join(' ');
}

const timingsOption = (timings: string | null): readonly string[] => (timings === null ? [] : ['--timings', timings]);

/** The JUnit file that the old line wrote; null for none. */
export function junitOf({ pytest }: ProjectFacts): string | null {
  const at = pytest.options.indexOf('--junit-xml');
  return at === -1 ? null : (pytest.options[at + 1] ?? null);
}

function withoutJunit(pytest: ProjectFacts['pytest']): ProjectFacts['pytest'] {
  const at = pytest.options.indexOf('--junit-xml');
  return at === -1 ? pytest : { ...pytest, options: pytest.options.toSpliced(at, 2) };
}
