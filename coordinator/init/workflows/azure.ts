// The pipeline for Azure Pipelines.

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

const PATH = 'azure-pipelines-shardline.yml';
const next = [`Commit ${PATH}, and create a pipeline from it in Azure DevOps.`];
const pool = { vmImage: 'ubuntu-latest' } as const;
const usePython = ({ pythons }: ProjectFacts) => ({ task: 'UsePythonVersion@0', inputs: { versionSpec: pythons[0] } });
const scripts = (lines: readonly string[]) => lines.map((script) => ({ script }));
const publish = (artifact: string, path: string) => ({ publish: path, artifact, condition: 'always()' });
const prepared = (facts: ProjectFacts) => scripts([...serverInstalls(facts, 'sudo '), ...installs(facts, 'all')]);
/** A cache keeps a folder. It is saved when the job has passed, under a key that must be new. */
const folder = 'timings';
const timings = `${folder}/${TIMINGS}`;
const cached = (name: string) => [
  // Without the folder, the cache cannot be saved.
  { script: `mkdir -p ${folder}` },
  {
    task: 'Cache@2',
    // Only the last job has new durations: the plan restores them too, and saves under a name that no job restores.
    inputs: { key: `"${name}" | "$(Build.BuildId)" | "$(System.JobAttempt)"`, restoreKeys: '"shardline-timings"', path: folder },
  },
];
/** Without access to a secret, Azure leaves its macro in the text. */
const withoutMacro = `case "$${SECRET}" in redis*|unix*) ;; *) unset ${SECRET} ;; esac`;
/** Where the step `download` puts an artifact. */
const downloaded = (artifact: string) => `"$(Pipeline.Workspace)/${artifact}"`;

export const azure: Workflows = {
  parts({ facts, jobs }) {
    return {
      path: PATH,
      content: {
        trigger: ['main'],
        pool,
        jobs: [
          {
            job: 'plan',
            steps: [
              usePython(facts),
              ...cached('shardline-plan'),
              ...scripts([...installs(facts, 'node'), planLine(facts, jobs, timings)]),
              publish('plan', PLAN),
            ],
          },
          {
            job: 'part',
            dependsOn: 'plan',
            strategy: { parallel: String(jobs) },
            steps: [
              usePython(facts),
              { download: 'current', artifact: 'plan' },
              ...prepared(facts),
              ...scripts([ciLine(facts, ['--plan', downloaded(`plan/${PLAN}`), '--out', 'out'])]),
              publish('part-$(System.JobPositionInPhase)-$(System.JobAttempt)', 'out'),
            ],
          },
          {
            job: 'verdict',
            dependsOn: 'part',
            condition: 'always()',
            steps: [
              usePython(facts),
              { download: 'current', patterns: 'part-*/**' },
              ...cached('shardline-timings'),
              ...scripts([mergeInstall(facts), mergeLine(facts, '"$(Pipeline.Workspace)"/part-*', timings)]),
            ],
          },
        ],
      },
      notes: ['the jobs learn durations only from green builds: Azure saves no cache in a job that failed'],
      next,
    };
  },

  queue({ facts, jobs }) {
    return {
      path: PATH,
      content: {
        trigger: ['main'],
        pool,
        jobs: [
          {
            job: 'tests',
            strategy: { parallel: String(jobs) },
            steps: [
              usePython(facts),
              ...prepared(facts),
              // Azure passes no secret to a script by itself.
              { script: `${withoutMacro}\n${ciLine(facts, ['--out', 'report'])}`, env: { [SECRET]: `$(${SECRET})` } },
              publish('report-$(System.JobPositionInPhase)-$(System.JobAttempt)', 'report'),
            ],
          },
        ],
      },
      notes: [WITHOUT_SECRET],
      next: [`Add the secret variable ${SECRET} to the pipeline.`, ...next],
    };
  },
};
