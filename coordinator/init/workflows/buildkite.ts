// The pipeline for Buildkite. `$$` keeps a variable for the job, because uploading a pipeline replaces `$NAME`.

import { ciLine, installs, mergeLine, PLAN, pipInstall, planLine, SECRET, type Workflows } from './workflow.ts';

const PATH = '.buildkite/shardline.yml';
const next = [`Commit ${PATH}, and let a step of the pipeline run \`buildkite-agent pipeline upload ${PATH}\`.`];

export const buildkite: Workflows = {
  parts({ facts, jobs }) {
    return {
      path: PATH,
      content: {
        steps: [
          { label: 'Plan the parts', key: 'plan', commands: [...installs(facts, 'node'), planLine(facts, jobs)], artifact_paths: PLAN },
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
            commands: ['buildkite-agent artifact download "parts/**/*" .', pipInstall('node'), mergeLine(facts, 'parts/*')],
          },
        ],
      },
      notes: [],
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
            commands: [...installs(facts, 'node'), ciLine(facts, ['--out', 'report'])],
            artifact_paths: 'report/**/*',
          },
        ],
      },
      notes: [],
      next: [`Give the agents ${SECRET}, for example by a hook that reads a secret.`, ...next],
    };
  },
};
