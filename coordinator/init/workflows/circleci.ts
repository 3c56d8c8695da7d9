// The workflow for CircleCI. A job without `when: always` for its workspace cannot pass on the report of a failed part, so parts do not fail:
// the job that merges them decides.

import type { ProjectFacts } from '../project-facts.ts';
import { ciLine, installs, mergeLine, PLAN, pipInstall, planLine, SECRET, TIMINGS, type Workflows } from './workflow.ts';

const PATH = '.circleci/shardline.yml';
const next = ['Copy its jobs and its workflow into .circleci/config.yml, or rename it to that if there is none; commit and push it.'];
const docker = ({ pythons }: ProjectFacts) => [{ image: `cimg/python:${pythons[0]}` }];
const run = (commands: readonly string[]) => commands.map((command) => ({ run: command }));
const restored = { restore_cache: { keys: ['shardline-timings-'] } };

export const circleci: Workflows = {
  parts({ facts, jobs }) {
    const part = ciLine(facts, ['--plan', PLAN, '--out', '"parts/$CIRCLE_NODE_INDEX"']).replace(/^exec /, '');
    return {
      path: PATH,
      content: {
        version: 2.1,
        jobs: {
          plan: {
            docker: docker(facts),
            steps: [
              'checkout',
              restored,
              ...run([...installs(facts, 'node'), planLine(facts, jobs)]),
              { persist_to_workspace: { root: '.', paths: [PLAN] } },
            ],
          },
          part: {
            docker: docker(facts),
            parallelism: jobs,
            steps: [
              'checkout',
              { attach_workspace: { at: '.' } },
              ...run(installs(facts, 'all')),
              // Any failure is in the report of the part, and a part without a report is missing in the merge.
              { run: { name: 'Run this part', command: `${part} || true` } },
              { persist_to_workspace: { root: '.', paths: ['parts'] } },
            ],
          },
          verdict: {
            docker: docker(facts),
            steps: [
              'checkout',
              restored,
              { attach_workspace: { at: '.' } },
              ...run([pipInstall('node'), mergeLine(facts, 'parts/*')]),
              { save_cache: { key: 'shardline-timings-{{ .Revision }}-{{ epoch }}', paths: [TIMINGS], when: 'always' } },
            ],
          },
        },
        workflows: { tests: { jobs: ['plan', { part: { requires: ['plan'] } }, { verdict: { requires: ['part'] } }] } },
      },
      notes: [],
      next,
    };
  },

  queue({ facts, jobs }) {
    return {
      path: PATH,
      content: {
        version: 2.1,
        jobs: {
          tests: {
            docker: docker(facts),
            parallelism: jobs,
            steps: [
              'checkout',
              ...run([...installs(facts, 'node'), ciLine(facts, ['--out', 'report'])]),
              { store_artifacts: { path: 'report' } },
            ],
          },
        },
        workflows: { tests: { jobs: ['tests'] } },
      },
      notes: [],
      next: [`Add the environment variable ${SECRET} to the project.`, ...next],
    };
  },
};
