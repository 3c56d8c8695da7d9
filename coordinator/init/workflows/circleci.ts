// The workflow for CircleCI. A step that fails ends its job before the workspace is saved, so a part fails in a step of its own after that.

import type { ProjectFacts } from '../project-facts.ts';
import { needsServer } from '../python-versions.ts';
import {
  ciLine,
  installs,
  mergeInstall,
  mergeLine,
  PLAN,
  planLine,
  SECRET,
  serverInstalls,
  TIMINGS,
  WITHOUT_SECRET,
  type Workflows,
} from './workflow.ts';

const PATH = '.circleci/shardline.yml';
const next = ['Copy its jobs and its workflow into .circleci/config.yml, or rename it to that if there is none; commit and push it.'];
/** CircleCI's own images may be an Ubuntu whose Redis is too old. Those of Docker Hub are a newer Debian, and run as root. */
const docker = ({ pythons }: ProjectFacts) => [{ image: `${pythons.some(needsServer) ? '' : 'cimg/'}python:${pythons[0]}` }];
const prepared = (facts: ProjectFacts) => [...serverInstalls(facts, ''), ...installs(facts, 'all')];
/** The exit code of a part, between its steps. */
const EXIT = 'part-exit-code';
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
              ...run(prepared(facts)),
              { run: { name: 'Run this part', command: `${part} || echo $? > ${EXIT}` } },
              { persist_to_workspace: { root: '.', paths: ['parts'] } },
              { run: { name: 'Fail if this part failed', command: `[ ! -e ${EXIT} ] || exit "$(cat ${EXIT})"` } },
            ],
          },
          verdict: {
            docker: docker(facts),
            steps: [
              'checkout',
              restored,
              { attach_workspace: { at: '.' } },
              ...run([mergeInstall(facts), mergeLine(facts, 'parts/*')]),
              { save_cache: { key: 'shardline-timings-{{ .Revision }}-{{ epoch }}', paths: [TIMINGS], when: 'always' } },
            ],
          },
        },
        workflows: {
          tests: { jobs: ['plan', { part: { requires: ['plan'] } }, { verdict: { requires: [{ part: ['success', 'failed'] }] } }] },
        },
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
            steps: ['checkout', ...run([...prepared(facts), ciLine(facts, ['--out', 'report'])]), { store_artifacts: { path: 'report' } }],
          },
        },
        workflows: { tests: { jobs: ['tests'] } },
      },
      notes: [WITHOUT_SECRET],
      next: [`Add the environment variable ${SECRET} to the project.`, ...next],
    };
  },
};
