// The workflow for GitHub Actions. Where the repository has a job that runs pytest, its fields and the steps before pytest are kept.

import type { ProjectFacts } from '../project-facts.ts';
import { ciLine, installs, mergeLine, PLAN, pipInstall, planLine, SECRET, TIMINGS, type Workflow, type Workflows } from './workflow.ts';

const PATH = '.github/workflows/shardline.yml';
const ON = { push: null, pull_request: null } as const;
const MINUTES = 20;

type Fields = Readonly<Record<string, unknown>>;

export const github: Workflows = {
  parts({ facts, jobs }) {
    const { matrix, python, suffix } = matrixOf(facts);
    const timings = { path: TIMINGS, key: `timings${suffix}-\${{ github.run_id }}`, 'restore-keys': `timings${suffix}-\n` };
    const restore = { uses: 'actions/cache/restore@v4', with: timings };
    const perPython = Object.keys(matrix).length === 0 ? {} : { strategy: { 'fail-fast': false, matrix } };
    return workflow({
      plan: {
        ...base(facts),
        ...perPython,
        steps: [
          ...prepared(facts, python, 'node'),
          restore,
          { run: planLine(facts, jobs) },
          { uses: 'actions/upload-artifact@v4', with: { name: `plan${suffix}`, path: PLAN } },
        ],
      },
      part: {
        needs: 'plan',
        ...base(facts),
        strategy: { 'fail-fast': false, matrix: { ...matrix, part: numbers(jobs) } },
        steps: [
          ...prepared(facts, python, 'all'),
          { uses: 'actions/download-artifact@v4', with: { name: `plan${suffix}` } },
          { run: ciLine(facts, ['--shard', `\${{ matrix.part }}/${jobs}`, '--plan', PLAN, '--out', 'out']) },
          upload(`part${suffix}-\${{ matrix.part }}-\${{ github.run_attempt }}`, 'out'),
        ],
      },
      verdict: {
        needs: 'part',
        if: 'always()',
        'runs-on': 'ubuntu-latest',
        'timeout-minutes': MINUTES,
        ...perPython,
        steps: [
          { uses: 'actions/checkout@v4' },
          { uses: 'actions/setup-python@v5', with: { 'python-version': python } },
          { run: pipInstall('node') },
          { uses: 'actions/download-artifact@v4', with: { path: 'parts', pattern: `part${suffix}-*` } },
          restore,
          { run: mergeLine(facts, 'parts/*') },
          {
            if: 'always()',
            uses: 'actions/cache/save@v4',
            with: { path: TIMINGS, key: `timings${suffix}-\${{ github.run_id }}-\${{ github.run_attempt }}` },
          },
        ],
      },
    });
  },

  queue({ facts, jobs }) {
    const { matrix, python, suffix, names } = matrixOf(facts);
    const own = names.filter((name) => name !== 'python-version').map((name) => `\${{ matrix.${name} }}`);
    const runId = own.length === 0 ? [] : ['--run-id', `"${own.join(' ')}"`];
    const kept = base(facts);
    const workflowOf = workflow({
      tests: {
        ...kept,
        strategy: { 'fail-fast': false, matrix: { ...matrix, job: numbers(jobs) } },
        env: { ...(kept.env as Fields | undefined), [SECRET]: `\${{ secrets.${SECRET} }}` },
        steps: [
          ...prepared(facts, python, 'node'),
          { run: ciLine(facts, [...runId, '--deadline', `${MINUTES - 5}m`, '--out', 'out']) },
          upload(`report${suffix}-\${{ matrix.job }}-\${{ github.run_attempt }}`, 'out'),
        ],
      },
    });
    return {
      ...workflowOf,
      next: [`Add the secret ${SECRET} to the repository, for example redis://:PASSWORD@HOST:6379.`, ...workflowOf.next],
    };
  },
};

const workflow = (jobs: Fields): Workflow => ({
  path: PATH,
  content: { name: 'tests', on: ON, jobs },
  next: [`Commit ${PATH} and push it.`, 'Once it is green, remove the job that runs pytest.'],
});

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1);

const upload = (name: string, path: string): Fields => ({
  if: 'always()',
  uses: 'actions/upload-artifact@v4',
  with: { name, path, 'if-no-files-found': 'ignore' },
});

/** The fields of the job that ran pytest, without those that the new jobs set themselves. */
function base({ job }: ProjectFacts): Fields {
  const { steps: _steps, strategy: _strategy, needs: _needs, if: _if, name: _name, ...kept } = job?.fields ?? {};
  return { 'runs-on': 'ubuntu-latest', 'timeout-minutes': MINUTES, ...kept };
}

/** The steps up to the tests: those of the old job, or new ones. */
function prepared(facts: ProjectFacts, python: string, extra: string): readonly unknown[] {
  if (facts.job !== null) return [...facts.job.before, ...(facts.pytest.prefix[0] === 'uv' ? [] : [{ run: pipInstall(extra) }])];
  return [
    { uses: 'actions/checkout@v4' },
    { uses: 'actions/setup-python@v5', with: { 'python-version': python } },
    ...installs(facts, extra).map((run) => ({ run })),
  ];
}

/** The matrix of the old job, or one of Python versions. `suffix` tells the artifacts of its legs apart. */
function matrixOf({ job, pythons }: ProjectFacts) {
  const strategy = job?.fields.strategy;
  const old = isTable(strategy) && isTable(strategy.matrix) ? strategy.matrix : null;
  const several = pythons.length > 1 && job === null ? { 'python-version': pythons } : {};
  const matrix: Fields = old ?? several;
  const names = Object.keys(matrix).filter((name) => name !== 'include' && name !== 'exclude');
  const python = names.includes('python-version') ? `\${{ matrix.python-version }}` : (pythons[0] ?? '3.13');
  return { matrix, names, python, suffix: names.map((name) => `-\${{ matrix.${name} }}`).join('') };
}

const isTable = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
