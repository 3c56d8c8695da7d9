// What a CI provider tells a job about itself, by its predefined environment variables. One row for each provider; all are pure functions.

type Environment = Readonly<Record<string, string | undefined>>;

export interface CiJob {
  readonly provider: ProviderName;
  /** Equal in all jobs that share one run, and in their retries. Any characters. null if the provider does not say. */
  readonly run: string | null;
  /** How often the provider has started this job, from 1; null where it does not say. */
  readonly attempt: number | null;
  /** Differs after a retry, so that a retry can be told from another job; null where the provider does not say. */
  readonly job: string | null;
  /** Its number among all parallel jobs, which may also be those of a matrix. It distinguishes jobs. */
  readonly place: Place | null;
  /** The part of the suite that belongs to the job: its place, where the provider numbers copies of one job. Else null. */
  readonly part: Place | null;
  readonly limit: JobLimit | null;
  /** The name of the repository, without its owner; null where the provider does not say. */
  readonly project: string | null;
  /** The branch that the job tests; null for a tag, and where the provider does not say. */
  readonly branch: string | null;
  /** The address of the repository; null where the provider does not say. It may contain a password. */
  readonly repository: string | null;
  /** The page of the job, or of its pipeline; null where the provider does not say. */
  readonly url: string | null;
}

/** One of several parallel jobs. */
export interface Place {
  /** From 1. */
  readonly index: number;
  readonly total: number;
}

/** How long the provider lets the job run. */
export interface JobLimit {
  /** The environment variable that states it. */
  readonly variable: string;
  readonly seconds: number;
  /** In milliseconds since the epoch; null if the start of the job is not known. */
  readonly endsAt: number | null;
}

export type ProviderName = 'GitHub Actions' | 'GitLab' | 'CircleCI' | 'Buildkite' | 'Azure Pipelines' | 'Bitbucket' | 'Semaphore';

interface Provider {
  readonly name: ProviderName;
  /** The variable that is set in every job of this provider, and nowhere else. */
  readonly mark: string;
  /** Variables that together name the run. The first identifies the pipeline, the others the job or step inside it. */
  readonly run: readonly string[];
  readonly attempt: (env: Environment) => number | null;
  readonly job: string | null;
  readonly place: (env: Environment) => Place | null;
  /** Whether the jobs with a place are copies of one job. Those of a matrix are not: each runs the whole suite in its own way. */
  readonly areCopies: (env: Environment, place: Place) => boolean;
  readonly limit: (env: Environment) => JobLimit | null;
  /** Variables that name the project and the branch; of each, the first that is set counts. */
  readonly project: readonly string[];
  readonly branch: readonly string[];
  /** Variables and texts that together make the address of the repository. */
  readonly repository: readonly Piece[];
  /** Variables and texts that together make the address of the job's page. Without one of the variables there is no address. */
  readonly url: readonly Piece[];
}

type Piece = { readonly text: string } | { readonly variable: string };

const none = () => null;
/** The provider numbers no other jobs. */
const always = () => true;

/**
 * Places that count from 0 are converted. GitHub states no place: `strategy.job-index` counts all legs of a matrix, so that in a matrix of
 * Python versions and shards it does not number the shards.
 */
const providers: readonly Provider[] = [
  {
    // https://docs.github.com/actions/reference/workflows-and-actions/variables
    name: 'GitHub Actions',
    mark: 'GITHUB_ACTIONS',
    run: ['GITHUB_RUN_ID', 'GITHUB_JOB'],
    attempt: (env) => count(env.GITHUB_RUN_ATTEMPT),
    job: null,
    place: none,
    areCopies: always,
    limit: none,
    project: ['GITHUB_REPOSITORY'],
    branch: ['GITHUB_HEAD_REF', 'GITHUB_REF'],
    repository: [{ variable: 'GITHUB_SERVER_URL' }, { text: '/' }, { variable: 'GITHUB_REPOSITORY' }],
    url: [
      { variable: 'GITHUB_SERVER_URL' },
      { text: '/' },
      { variable: 'GITHUB_REPOSITORY' },
      { text: '/actions/runs/' },
      { variable: 'GITHUB_RUN_ID' },
    ],
  },
  {
    // https://docs.gitlab.com/ci/variables/predefined_variables/
    name: 'GitLab',
    mark: 'GITLAB_CI',
    run: ['CI_PIPELINE_ID', 'CI_JOB_NAME'],
    attempt: none,
    job: 'CI_JOB_ID',
    place: (env) => place(count(env.CI_NODE_INDEX), env.CI_NODE_TOTAL),
    // `parallel: 4` names them `tests 2/4`. `parallel: matrix:` numbers its jobs too, and names them `tests: [3.12]`.
    areCopies: (env, { index, total }) => (env.CI_JOB_NAME ?? '').trim().endsWith(` ${index}/${total}`),
    limit: gitlabLimit,
    project: ['CI_PROJECT_NAME'],
    branch: ['CI_MERGE_REQUEST_SOURCE_BRANCH_NAME', 'CI_COMMIT_BRANCH'],
    repository: [{ variable: 'CI_PROJECT_URL' }, { text: '.git' }],
    url: [{ variable: 'CI_JOB_URL' }],
  },
  {
    // https://circleci.com/docs/reference/variables/. A rerun has a new workflow id and keeps the workspace id.
    name: 'CircleCI',
    mark: 'CIRCLECI',
    run: ['CIRCLE_WORKFLOW_WORKSPACE_ID', 'CIRCLE_JOB'],
    attempt: none,
    job: 'CIRCLE_WORKFLOW_JOB_ID',
    place: (env) => place(fromZero(env.CIRCLE_NODE_INDEX), env.CIRCLE_NODE_TOTAL),
    areCopies: always,
    limit: none,
    project: ['CIRCLE_PROJECT_REPONAME'],
    branch: ['CIRCLE_BRANCH'],
    repository: [{ variable: 'CIRCLE_REPOSITORY_URL' }],
    url: [{ variable: 'CIRCLE_BUILD_URL' }],
  },
  {
    // https://buildkite.com/docs/pipelines/configure/environment-variables
    name: 'Buildkite',
    mark: 'BUILDKITE',
    run: ['BUILDKITE_BUILD_ID', 'BUILDKITE_STEP_ID'],
    attempt: (env) => fromZero(env.BUILDKITE_RETRY_COUNT),
    job: 'BUILDKITE_JOB_ID',
    place: (env) => place(fromZero(env.BUILDKITE_PARALLEL_JOB), env.BUILDKITE_PARALLEL_JOB_COUNT),
    areCopies: always,
    // `false` for none.
    limit: (env) => inMinutes('BUILDKITE_TIMEOUT', env.BUILDKITE_TIMEOUT),
    project: ['BUILDKITE_PIPELINE_SLUG'],
    branch: ['BUILDKITE_BRANCH'],
    repository: [{ variable: 'BUILDKITE_REPO' }],
    url: [{ variable: 'BUILDKITE_BUILD_URL' }, { text: '#' }, { variable: 'BUILDKITE_JOB_ID' }],
  },
  {
    // https://learn.microsoft.com/azure/devops/pipelines/build/variables
    name: 'Azure Pipelines',
    mark: 'TF_BUILD',
    run: ['BUILD_BUILDID', 'SYSTEM_STAGENAME', 'SYSTEM_PHASENAME'],
    attempt: azureAttempt,
    job: 'SYSTEM_JOBID',
    place: (env) => place(count(env.SYSTEM_JOBPOSITIONINPHASE), env.SYSTEM_TOTALJOBSINPHASE),
    // `strategy: parallel`. For `strategy: matrix`, which numbers its jobs too, it is MultiConfiguration.
    areCopies: (env) => env.SYSTEM_PARALLELEXECUTIONTYPE?.trim().toLowerCase() === 'multimachine',
    // 0 for none.
    limit: (env) => inMinutes('SYSTEM_JOBTIMEOUT', env.SYSTEM_JOBTIMEOUT),
    project: ['BUILD_REPOSITORY_NAME'],
    branch: ['SYSTEM_PULLREQUEST_SOURCEBRANCH', 'BUILD_SOURCEBRANCH'],
    repository: [{ variable: 'BUILD_REPOSITORY_URI' }],
    url: [
      { variable: 'SYSTEM_COLLECTIONURI' },
      { variable: 'SYSTEM_TEAMPROJECT' },
      { text: '/_build/results?buildId=' },
      { variable: 'BUILD_BUILDID' },
    ],
  },
  {
    // https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/
    name: 'Bitbucket',
    mark: 'BITBUCKET_PIPELINE_UUID',
    run: ['BITBUCKET_PIPELINE_UUID'],
    attempt: (env) => count(env.BITBUCKET_STEP_RUN_NUMBER),
    job: 'BITBUCKET_STEP_UUID',
    place: (env) => place(fromZero(env.BITBUCKET_PARALLEL_STEP), env.BITBUCKET_PARALLEL_STEP_COUNT),
    // It numbers all steps of the group, whatever they do.
    areCopies: () => false,
    limit: none,
    project: ['BITBUCKET_REPO_SLUG'],
    branch: ['BITBUCKET_BRANCH'],
    repository: [{ variable: 'BITBUCKET_GIT_HTTP_ORIGIN' }],
    url: [{ variable: 'BITBUCKET_GIT_HTTP_ORIGIN' }, { text: '/pipelines/results/' }, { variable: 'BITBUCKET_BUILD_NUMBER' }],
  },
  {
    // https://docs.semaphoreci.com/reference/env-vars
    name: 'Semaphore',
    mark: 'SEMAPHORE',
    run: ['SEMAPHORE_WORKFLOW_ID', 'SEMAPHORE_BLOCK_NAME'],
    attempt: none,
    job: 'SEMAPHORE_JOB_ID',
    place: (env) => place(count(env.SEMAPHORE_JOB_INDEX), env.SEMAPHORE_JOB_COUNT),
    areCopies: always,
    limit: none,
    project: ['SEMAPHORE_PROJECT_NAME'],
    branch: ['SEMAPHORE_GIT_PR_BRANCH', 'SEMAPHORE_GIT_BRANCH'],
    repository: [{ variable: 'SEMAPHORE_GIT_URL' }],
    url: [{ variable: 'SEMAPHORE_ORGANIZATION_URL' }, { text: '/jobs/' }, { variable: 'SEMAPHORE_JOB_ID' }],
  },
];

/** The job that this process runs in; null outside the known providers. */
export function ciJob(env: Environment): CiJob | null {
  const provider = providers.find(({ mark }) => isSet(env[mark]));
  if (provider === undefined) return null;
  const place = provider.place(env);
  const [pipeline, ...steps] = provider.run.map((name) => withoutPlace(env[name]?.trim() ?? ''));
  return {
    provider: provider.name,
    run: pipeline ? [provider.name, pipeline, ...steps].join(' ') : null,
    attempt: provider.attempt(env),
    job: provider.job === null ? null : (env[provider.job]?.trim() ?? null),
    place,
    part: place !== null && place.total > 1 && provider.areCopies(env, place) ? place : null,
    limit: provider.limit(env),
    project: firstSet(provider.project, env)?.split('/').at(-1) ?? null,
    branch: branchIn(firstSet(provider.branch, env)),
    repository: joined(provider.repository, env),
    url: addressOf(provider.url, env),
  };
}

const firstSet = (names: readonly string[], env: Environment): string | null =>
  names.map((name) => env[name]?.trim() ?? '').find((value) => value !== '') ?? null;

/** `refs/heads/a/b` is the branch `a/b`; other refs are tags and merges of pull requests. */
function branchIn(ref: string | null): string | null {
  if (ref === null || !ref.startsWith('refs/')) return ref;
  return ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : null;
}

function addressOf(pieces: readonly Piece[], env: Environment): string | null {
  const address = joined(pieces, env) ?? '';
  return /^https?:\/\//.test(address) ? (URL.parse(address)?.href ?? null) : null;
}

/** null without one of the variables. */
function joined(pieces: readonly Piece[], env: Environment): string | null {
  const texts = pieces.map((piece) => ('text' in piece ? piece.text : (env[piece.variable]?.trim() ?? '')));
  return texts.includes('') ? null : texts.join('');
}

/** GitLab adds the place or the values of the matrix to the name of a parallel job: `tests 2/4`, `tests: [3.12, 2]`. */
const withoutPlace = (name: string): string => name.replace(/(: \[.*\]| \d+\/\d+)$/, '');

const isSet = (text: string | undefined): boolean => text !== undefined && text.trim() !== '' && text !== 'false';

/** A whole number from 1; null for any other text. */
function count(text: string | undefined): number | null {
  const value = /^\d{1,9}$/.test(text ?? '') ? Number(text) : 0;
  return value >= 1 ? value : null;
}

/** A whole number that the provider counts from 0, counted from 1. */
const fromZero = (text: string | undefined): number | null => (/^\d{1,9}$/.test(text ?? '') ? Number(text) + 1 : null);

function place(index: number | null, totalText: string | undefined): Place | null {
  const total = count(totalText);
  return index === null || total === null || index > total ? null : { index, total };
}

/** A retry may be one of the stage, of its phase, or of the job: each has a count of its own. */
function azureAttempt(env: Environment): number | null {
  const attempts = [env.SYSTEM_STAGEATTEMPT, env.SYSTEM_PHASEATTEMPT, env.SYSTEM_JOBATTEMPT].map(count);
  const known = attempts.filter((each) => each !== null);
  return known.length === 0 ? null : known.reduce((sum, each) => sum + each - 1, 1);
}

function gitlabLimit(env: Environment): JobLimit | null {
  const seconds = positive(env.CI_JOB_TIMEOUT);
  const startedAt = Date.parse(env.CI_JOB_STARTED_AT ?? '');
  if (seconds === null) return null;
  return { variable: 'CI_JOB_TIMEOUT', seconds, endsAt: Number.isNaN(startedAt) ? null : startedAt + seconds * 1000 };
}

function inMinutes(variable: string, text: string | undefined): JobLimit | null {
  const minutes = positive(text);
  return minutes === null ? null : { variable, seconds: minutes * 60, endsAt: null };
}

function positive(text: string | undefined): number | null {
  const value = Number(text ?? '');
  return value > 0 && Number.isFinite(value) ? value : null;
}
