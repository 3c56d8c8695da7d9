// A generated CI workflow, and the commands that all of them share.

import type { ProjectFacts } from '../project-facts.ts';
import { shardlineLine } from '../pytest-line.ts';

export interface WorkflowRequest {
  readonly facts: ProjectFacts;
  /** The number of parallel jobs. */
  readonly jobs: number;
}

export interface Workflow {
  /** Where the provider looks for it, relative to the repository. */
  readonly path: string;
  readonly content: Readonly<Record<string, unknown>>;
  /** What was left out of the old configuration, as sentences. */
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

/** Installs the project and shardline, with these extras. */
export const installs = ({ install, pytest }: ProjectFacts, extra: string): readonly string[] =>
  // uv adds shardline where it runs it.
  pytest.prefix[0] === 'uv' ? install : [...install, pipInstall(extra)];

export const pipInstall = (extra: string): string => `pip install 'shardline[${extra}]'`;

/** `exec` lets the signal of a cancelled job reach shardline. */
export const ciLine = ({ pytest }: ProjectFacts, own: readonly string[]): string =>
  `exec ${shardlineLine(withoutJunit(pytest), 'ci', own)}`;

export const planLine = ({ pytest }: ProjectFacts, jobs: number): string =>
  shardlineLine({ ...pytest, options: [] }, 'plan', ['--shards', String(jobs), '--timings', TIMINGS, '--out', PLAN]);

/** The job that merges writes the JUnit file that the old line wrote. */
export function mergeLine({ pytest }: ProjectFacts, parts: string): string {
  const at = pytest.options.indexOf('--junit-xml');
  const junit = at === -1 ? [] : pytest.options.slice(at, at + 2);
  return ['exec shardline report --merge', parts, '--timings', TIMINGS, ...junit].join(' ');
}

function withoutJunit(pytest: ProjectFacts['pytest']): ProjectFacts['pytest'] {
  const at = pytest.options.indexOf('--junit-xml');
  return at === -1 ? pytest : { ...pytest, options: pytest.options.toSpliced(at, 2) };
}
