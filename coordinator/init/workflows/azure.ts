// The pipeline for Azure Pipelines.

import type { ProjectFacts } from '../project-facts.ts';
import { ciLine, installs, mergeLine, PLAN, pipInstall, planLine, SECRET, type Workflows } from './workflow.ts';

const PATH = 'azure-pipelines-shardline.yml';
const next = [`Commit ${PATH}, and create a pipeline from it in Azure DevOps.`];
const pool = { vmImage: 'ubuntu-latest' } as const;
const usePython = ({ pythons }: ProjectFacts) => ({ task: 'UsePythonVersion@0', inputs: { versionSpec: pythons[0] } });
const scripts = (lines: readonly string[]) => lines.map((script) => ({ script }));
const publish = (artifact: string, path: string) => ({ publish: path, artifact, condition: 'always()' });
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
            steps: [usePython(facts), ...scripts([...installs(facts, 'node'), planLine(facts, jobs)]), publish('plan', PLAN)],
          },
          {
            job: 'part',
            dependsOn: 'plan',
            strategy: { parallel: String(jobs) },
            steps: [
              usePython(facts),
              { download: 'current', artifact: 'plan' },
              ...scripts([...installs(facts, 'all'), ciLine(facts, ['--plan', downloaded(`plan/${PLAN}`), '--out', 'out'])]),
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
              ...scripts([pipInstall('node'), mergeLine(facts, '"$(Pipeline.Workspace)"/part-*')]),
            ],
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
        trigger: ['main'],
        pool,
        jobs: [
          {
            job: 'tests',
            strategy: { parallel: String(jobs) },
            steps: [
              usePython(facts),
              ...scripts(installs(facts, 'node')),
              // Azure passes no secret to a script by itself.
              { script: ciLine(facts, ['--out', 'report']), env: { [SECRET]: `$(${SECRET})` } },
              publish('report-$(System.JobPositionInPhase)-$(System.JobAttempt)', 'report'),
            ],
          },
        ],
      },
      notes: [],
      next: [`Add the secret variable ${SECRET} to the pipeline.`, ...next],
    };
  },
};
