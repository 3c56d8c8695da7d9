// The workflow for GitLab. It is a file to include, because a repository has one .gitlab-ci.yml.

import type { ProjectFacts } from '../project-facts.ts';
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

const PATH = '.gitlab/shardline.yml';
const INCLUDE = `Add \`include: { local: ${PATH} }\` to .gitlab-ci.yml, commit both and push them.`;
/** Saved after a red verdict too. */
const cache = (policy: string) => ({ key: 'shardline-timings', paths: [TIMINGS], policy, when: 'always' });
const prepared = (facts: ProjectFacts) => [...serverInstalls(facts, ''), ...installs(facts, 'all')];

export const gitlab: Workflows = {
  parts({ facts, jobs }) {
    const image = `python:${facts.pythons[0]}`;
    return {
      path: PATH,
      content: {
        'shardline-plan': {
          image,
          cache: cache('pull'),
          script: [...installs(facts, 'node'), planLine(facts, jobs)],
          artifacts: { paths: [PLAN] },
        },
        shardline: {
          image,
          needs: ['shardline-plan'],
          parallel: jobs,
          script: [...prepared(facts), ciLine(facts, ['--plan', PLAN, '--out', 'parts/$CI_NODE_INDEX'])],
          artifacts: { when: 'always', paths: ['parts/'] },
        },
        'shardline-verdict': {
          image,
          needs: ['shardline'],
          when: 'always',
          cache: cache('pull-push'),
          script: [mergeInstall(facts), mergeLine(facts, 'parts/*')],
        },
      },
      notes: [],
      next: [INCLUDE],
    };
  },

  queue({ facts, jobs }) {
    return {
      path: PATH,
      content: {
        shardline: {
          image: `python:${facts.pythons[0]}`,
          parallel: jobs,
          script: [...prepared(facts), ciLine(facts, ['--out', 'report'])],
          artifacts: { when: 'always', paths: ['report/'] },
        },
      },
      notes: [WITHOUT_SECRET],
      next: [`Add the masked variable ${SECRET} in Settings > CI/CD > Variables.`, INCLUDE],
    };
  },
};
