// What a job learns from its provider's environment variables: first runs, retries, matrices.

import { describe, expect, test } from 'vitest';
import { ciJob } from '../../../coordinator/ci/job.ts';

const github = { GITHUB_ACTIONS: 'true', GITHUB_RUN_ID: '9876', GITHUB_JOB: 'tests', GITHUB_RUN_ATTEMPT: '1' };
const gitlab = {
  GITLAB_CI: 'true',
  CI_PIPELINE_ID: '4711',
  CI_JOB_NAME: 'tests 2/4',
  CI_JOB_ID: '100',
  CI_NODE_INDEX: '2',
  CI_NODE_TOTAL: '4',
};
const circle = {
  CIRCLECI: 'true',
  CIRCLE_WORKFLOW_WORKSPACE_ID: 'w-1',
  CIRCLE_WORKFLOW_ID: 'f-1',
  CIRCLE_WORKFLOW_JOB_ID: 'j-1',
  CIRCLE_JOB: 'tests',
  CIRCLE_NODE_INDEX: '0',
  CIRCLE_NODE_TOTAL: '4',
};
const buildkite = {
  BUILDKITE: 'true',
  BUILDKITE_BUILD_ID: 'b-1',
  BUILDKITE_STEP_ID: 's-1',
  BUILDKITE_JOB_ID: 'j-1',
  BUILDKITE_RETRY_COUNT: '0',
  BUILDKITE_PARALLEL_JOB: '3',
  BUILDKITE_PARALLEL_JOB_COUNT: '4',
  BUILDKITE_TIMEOUT: '30',
};
const azure = {
  TF_BUILD: 'True',
  BUILD_BUILDID: '55',
  SYSTEM_STAGENAME: '__default',
  SYSTEM_PHASENAME: 'tests',
  SYSTEM_JOBID: 'j-1',
  SYSTEM_STAGEATTEMPT: '1',
  SYSTEM_PHASEATTEMPT: '1',
  SYSTEM_JOBATTEMPT: '1',
  SYSTEM_JOBPOSITIONINPHASE: '1',
  SYSTEM_TOTALJOBSINPHASE: '4',
  SYSTEM_PARALLELEXECUTIONTYPE: 'MultiMachine',
  SYSTEM_JOBTIMEOUT: '60',
};
const bitbucket = {
  BITBUCKET_PIPELINE_UUID: '{p-1}',
  BITBUCKET_STEP_UUID: '{s-1}',
  BITBUCKET_STEP_RUN_NUMBER: '1',
  BITBUCKET_PARALLEL_STEP: '0',
  BITBUCKET_PARALLEL_STEP_COUNT: '4',
};
const semaphore = {
  SEMAPHORE: 'true',
  SEMAPHORE_WORKFLOW_ID: 'w-1',
  SEMAPHORE_BLOCK_NAME: 'tests',
  SEMAPHORE_JOB_ID: 'j-1',
  SEMAPHORE_JOB_INDEX: '4',
  SEMAPHORE_JOB_COUNT: '4',
};

describe('the first run of a job', () => {
  test.each([
    ['GitHub Actions', github, 'GitHub Actions 9876 tests', 1, null],
    ['GitLab', gitlab, 'GitLab 4711 tests', null, { index: 2, total: 4 }],
    ['CircleCI', circle, 'CircleCI w-1 tests', null, { index: 1, total: 4 }],
    ['Buildkite', buildkite, 'Buildkite b-1 s-1', 1, { index: 4, total: 4 }],
    ['Azure Pipelines', azure, 'Azure Pipelines 55 __default tests', 1, { index: 1, total: 4 }],
    ['Bitbucket', bitbucket, 'Bitbucket {p-1}', 1, { index: 1, total: 4 }],
    ['Semaphore', semaphore, 'Semaphore w-1 tests', null, { index: 4, total: 4 }],
  ])('%s', (provider, env, run, attempt, place) => {
    expect(ciJob(env)).toMatchObject({ provider, run, attempt, place });
  });

  test('no known provider', () => {
    expect(ciJob({ CI: 'true', PATH: '/bin' })).toBeNull();
    expect(ciJob({ GITHUB_ACTIONS: '', GITLAB_CI: 'false' })).toBeNull();
  });
});

describe('a retry keeps the run, and differs in its attempt or in its job', () => {
  test.each([
    ['GitHub Actions', github, { GITHUB_RUN_ATTEMPT: '2' }, 2],
    ['GitLab', gitlab, { CI_JOB_ID: '200' }, null],
    ['CircleCI', circle, { CIRCLE_WORKFLOW_ID: 'f-2', CIRCLE_WORKFLOW_JOB_ID: 'j-9' }, null],
    ['Buildkite', buildkite, { BUILDKITE_RETRY_COUNT: '1', BUILDKITE_JOB_ID: 'j-9' }, 2],
    ['Azure Pipelines, of a job', azure, { SYSTEM_JOBATTEMPT: '2' }, 2],
    ['Azure Pipelines, of a stage', azure, { SYSTEM_STAGEATTEMPT: '3' }, 3],
    ['Bitbucket', bitbucket, { BITBUCKET_STEP_RUN_NUMBER: '2' }, 2],
    ['Semaphore', semaphore, { SEMAPHORE_JOB_ID: 'j-9' }, null],
  ])('%s', (_, env, changes, attempt) => {
    const [first, second] = [ciJob(env), ciJob({ ...env, ...changes })];
    expect(second?.run).toBe(first?.run);
    expect(second?.attempt).toBe(attempt);
    if (attempt === null) expect(second?.job).not.toBe(first?.job);
  });
});

test('the legs of a matrix share a run on GitHub and have no place, since its index counts every leg', () => {
  expect(ciJob({ ...github, INPUT_PYTHON: '3.11' })).toEqual(ciJob(github));
  expect(ciJob(github)?.place).toBeNull();
});

describe('a job runs a part only if the provider numbers copies of one job', () => {
  test.each([
    ['GitHub Actions, a matrix', github, {}, null],
    ['GitLab, parallel: 4', gitlab, {}, { index: 2, total: 4 }],
    ['GitLab, one job', gitlab, { CI_JOB_NAME: 'tests', CI_NODE_INDEX: '', CI_NODE_TOTAL: '1' }, null],
    ['GitLab, a matrix', gitlab, { CI_JOB_NAME: 'tests: [3.11]', CI_NODE_INDEX: '1', CI_NODE_TOTAL: '2' }, null],
    ['GitLab, a matrix with a fraction', gitlab, { CI_JOB_NAME: 'tests: [1/2]', CI_NODE_INDEX: '1', CI_NODE_TOTAL: '2' }, null],
    ['GitLab, a matrix of numbered parts', gitlab, { CI_JOB_NAME: 'tests: [3.11] 1/2', CI_NODE_INDEX: '3', CI_NODE_TOTAL: '4' }, null],
    ['CircleCI, parallelism', circle, {}, { index: 1, total: 4 }],
    ['Buildkite, parallelism', buildkite, {}, { index: 4, total: 4 }],
    ['Azure Pipelines, strategy: parallel', azure, {}, { index: 1, total: 4 }],
    ['Azure Pipelines, strategy: matrix', azure, { SYSTEM_PARALLELEXECUTIONTYPE: 'MultiConfiguration' }, null],
    ['Azure Pipelines, unknown strategy', azure, { SYSTEM_PARALLELEXECUTIONTYPE: '' }, null],
    ['Bitbucket, a parallel group', bitbucket, {}, null],
    ['Semaphore, parallelism', semaphore, {}, { index: 4, total: 4 }],
  ])('%s', (_, env, changes, part) => {
    expect(ciJob({ ...env, ...changes })?.part).toEqual(part);
  });

  test('jobs of a matrix keep their place, which tells them apart in a run that they share', () => {
    const job = ciJob({ ...gitlab, CI_JOB_NAME: 'tests: [3.11]', CI_NODE_INDEX: '1', CI_NODE_TOTAL: '2' });
    expect(job).toMatchObject({ place: { index: 1, total: 2 }, part: null });
  });
});

test('the jobs of a matrix of GitLab share a run', () => {
  expect(ciJob({ ...gitlab, CI_JOB_NAME: 'tests: [3.12, 1]' })?.run).toBe('GitLab 4711 tests');
});

test('a place that does not make sense is none', () => {
  for (const changes of [{ CI_NODE_INDEX: '5' }, { CI_NODE_INDEX: '0' }, { CI_NODE_TOTAL: '' }, { CI_NODE_TOTAL: '4x' }]) {
    expect(ciJob({ ...gitlab, ...changes })?.place).toBeNull();
  }
});

test('limits of a job', () => {
  expect(ciJob(buildkite)?.limit).toEqual({ variable: 'BUILDKITE_TIMEOUT', seconds: 1800, endsAt: null });
  expect(ciJob(azure)?.limit).toEqual({ variable: 'SYSTEM_JOBTIMEOUT', seconds: 3600, endsAt: null });
  expect(ciJob({ ...azure, SYSTEM_JOBTIMEOUT: '0' })?.limit).toBeNull();
  expect(ciJob(github)?.limit).toBeNull();
});

test('a provider that names no pipeline has no run', () => {
  expect(ciJob({ GITLAB_CI: 'true' })).toMatchObject({ provider: 'GitLab', run: null });
});

describe('the project, the branch and the page of a job', () => {
  test.each([
    [
      {
        ...github,
        GITHUB_SERVER_URL: 'https://ci.example',
        GITHUB_REPOSITORY: 'acme/shop',
        GITHUB_HEAD_REF: '',
        GITHUB_REF: 'refs/heads/a/b',
      },
      'shop',
      'a/b',
      'https://ci.example/acme/shop/actions/runs/9876',
    ],
    [{ ...github, GITHUB_HEAD_REF: 'fix/totals', GITHUB_REF: 'refs/pull/12/merge' }, null, 'fix/totals', null],
    [{ ...github, GITHUB_REF: 'refs/tags/v1.0' }, null, null, null],
    [
      { ...gitlab, CI_PROJECT_NAME: 'shop', CI_COMMIT_BRANCH: 'a/b', CI_JOB_URL: 'https://ci.example/-/jobs/100' },
      'shop',
      'a/b',
      'https://ci.example/-/jobs/100',
    ],
    [{ ...gitlab, CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: 'fix/totals' }, null, 'fix/totals', null],
    [
      { ...circle, CIRCLE_PROJECT_REPONAME: 'shop', CIRCLE_BRANCH: 'a/b', CIRCLE_BUILD_URL: 'https://ci.example/gh/acme/shop/1' },
      'shop',
      'a/b',
      'https://ci.example/gh/acme/shop/1',
    ],
    [
      { ...buildkite, BUILDKITE_PIPELINE_SLUG: 'shop', BUILDKITE_BRANCH: 'a/b', BUILDKITE_BUILD_URL: 'https://ci.example/b/1' },
      'shop',
      'a/b',
      'https://ci.example/b/1#j-1',
    ],
    [
      {
        ...azure,
        BUILD_REPOSITORY_NAME: 'acme/shop',
        BUILD_SOURCEBRANCH: 'refs/heads/feature/tools',
        SYSTEM_COLLECTIONURI: 'https://ci.example/org/',
        SYSTEM_TEAMPROJECT: 'my shop',
      },
      'shop',
      'feature/tools',
      'https://ci.example/org/my%20shop/_build/results?buildId=55',
    ],
    [
      {
        ...azure,
        SYSTEM_PULLREQUEST_SOURCEBRANCH: 'refs/heads/fix/totals',
        BUILD_SOURCEBRANCH: 'refs/pull/7/merge',
      },
      null,
      'fix/totals',
      null,
    ],
    [
      {
        ...bitbucket,
        BITBUCKET_REPO_SLUG: 'shop',
        BITBUCKET_BRANCH: 'a/b',
        BITBUCKET_GIT_HTTP_ORIGIN: 'https://ci.example/acme/shop',
        BITBUCKET_BUILD_NUMBER: '7',
      },
      'shop',
      'a/b',
      'https://ci.example/acme/shop/pipelines/results/7',
    ],
    [
      { ...semaphore, SEMAPHORE_PROJECT_NAME: 'shop', SEMAPHORE_GIT_BRANCH: 'a/b', SEMAPHORE_ORGANIZATION_URL: 'https://ci.example' },
      'shop',
      'a/b',
      'https://ci.example/jobs/j-1',
    ],
    [{ ...gitlab, CI_JOB_URL: 'javascript:alert(1)' }, null, null, null],
  ])('%j', (env, project, branch, url) => {
    expect(ciJob(env)).toMatchObject({ project, branch, url });
  });
});
