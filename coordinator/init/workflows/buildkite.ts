// The pipeline for Buildkite. `$$` keeps a variable for the job, because uploading a pipeline replaces `$NAME`.

import { ciLine, installs, mergeInstall, mergeLine, PLAN, planLine, SECRET, WITHOUT_SECRET, type Workflows } from './workflow.ts';

const PATH = '.buildkite/shardline.yml';
const next = [`Commit ${PATH}, and let a step of the pipeline run \`buildkite-agent pipeline upload ${PATH}\`.`];
const PYTHON = 'the jobs run on the Python of the agents. Before Python 3.11, the agents need redis-server or valkey-server';
/** Every way to keep a file for the next build needs a store that an administrator sets up. */
const NO_TIMINGS =
  'the jobs keep no durations, so the parts may take unequal time. Fix: restore timings.json before `shardline plan`, save it after `shardline report`, for example with a cache plugin, and add --timings timings.json to both';

export const buildkite: Workflows = {
  parts({ facts, jobs }) {
    return {
      path: PATH,
      content: {
        steps: [
          {
            label: 'Plan the parts',
            key: 'plan',
            commands: [...installs(facts, 'node'), planLine(facts, jobs, null)],
            artifact_paths: PLAN,
          },
          {
            label: 'Tests',
            key: 'part',
            depends_on: 'plan',
            parallelism: jobs,
            commands: [
              `buildkite-agent artifact download ${PLAN} .`,
              ...installs(facts, 'all'),
              ciLine(facts, ['--plan', PLAN, '--out', '"parts/$$BUILDKITE_PARALLEL_JOB"']),
            ],
            artifact_paths: 'parts/**/*',
          },
          { wait: null, continue_on_failure: true },
          {
            label: 'Verdict',
            commands: ['buildkite-agent artifact download "parts/**/*" .', mergeInstall(facts), mergeLine(facts, 'parts/*', null)],
          },
        ],
      },
      notes: [PYTHON, NO_TIMINGS],
      next,
    };
  },

  queue({ facts, jobs }) {
    return {
      path: PATH,
      content: {
        steps: [
          {
            label: 'Tests',
            parallelism: jobs,
            commands: [...installs(facts, 'all'), ciLine(facts, ['--out', 'report'])],
            artifact_paths: 'report/**/*',
          },
        ],
      },
      notes: [PYTHON, WITHOUT_SECRET],
      next: [`Give the agents ${SECRET}, for example by a hook that reads a secret.`, ...next],
    };
  },
};
