// The workflow for GitHub Actions. Where the repository has a job that runs pytest, its fields and the steps before pytest are kept.

import type { ProjectFacts } from '../project-facts.ts';
import { needsServer, pythonOfJob } from '../python-versions.ts';
import { pinned } from './pinned-actions.ts';
import {
  ciLine,
  installs,
  mergeInstall,
  mergeLine,
  PLAN,
  pipInstall,
  planLine,
  SECRET,
  serverInstalls,
  TIMINGS,
  WITHOUT_SECRET,
  type Workflow,
  type Workflows,
} from './workflow.ts';

const PATH = '.github/workflows/shardline.yml';
const ON = { push: null, pull_request: null } as const;
const MINUTES = 20;
const FALLBACK_PYTHON = '3.13';

type Fields = Readonly<Record<string, unknown>>;

export const github: Workflows = {
  parts({ facts, jobs }) {
    const { matrix, python, suffix, notes } = matrixOf(facts);
    const part = freeName('part', matrix);
    const timings = { path: TIMINGS, key: `timings${suffix}-\${{ github.run_id }}`, 'restore-keys': `timings${suffix}-\n` };
    const restore = { uses: pinned('cache/restore'), with: timings };
    const perPython = Object.keys(matrix).length === 0 ? {} : { strategy: { 'fail-fast': false, matrix } };
    const all = workflow(facts, [...notes, ...oldServerIn(facts)], {
      plan: {
        ...base(facts),
        ...perPython,
        steps: [
          ...prepared(facts, python, 'node'),
          restore,
          { run: planLine(facts, jobs) },
          { uses: pinned('upload-artifact'), with: { name: `plan${suffix}`, path: PLAN } },
        ],
      },
      part: {
        needs: 'plan',
        ...base(facts),
        strategy: { 'fail-fast': false, matrix: crossed(matrix, part, jobs) },
        steps: [
          ...prepared(facts, python, 'all', server(facts, python)),
          { uses: pinned('download-artifact'), with: { name: `plan${suffix}` } },
          { run: ciLine(facts, ['--shard', `\${{ matrix.${part} }}/${jobs}`, '--plan', PLAN, '--out', 'out']) },
          upload(`part${suffix}-\${{ matrix.${part} }}-\${{ github.run_attempt }}`, 'out'),
        ],
      },
      verdict: {
        needs: 'part',
        if: 'always()',
        'runs-on': 'ubuntu-latest',
        'timeout-minutes': MINUTES,
        ...perPython,
        steps: [
          { uses: pinned('checkout') },
          { uses: pinned('setup-python'), with: { 'python-version': python } },
          { run: mergeInstall(facts) },
          { uses: pinned('download-artifact'), with: { path: 'parts', pattern: `part${suffix}-*` } },
          restore,
          { run: mergeLine(facts, 'parts/*') },
          {
            if: 'always()',
            uses: pinned('cache/save'),
            with: { path: TIMINGS, key: `timings${suffix}-\${{ github.run_id }}-\${{ github.run_attempt }}` },
          },
        ],
      },
    });
    return { ...all, next: [...all.next, 'Make the job `verdict` a required check.'] };
  },

  queue({ facts, jobs }) {
    const { matrix, python, suffix, names, axis, notes } = matrixOf(facts);
    const job = freeName('job', matrix);
    const own = names.filter((name) => name !== axis).map((name) => `\${{ matrix.${name} }}`);
    const runId = own.length === 0 ? [] : ['--run-id', `"${own.join(' ')}"`];
    const kept = base(facts);
    const workflowOf = workflow(facts, [...notes, ...oldServerIn(facts), WITHOUT_SECRET], {
      tests: {
        ...kept,
        strategy: { 'fail-fast': false, matrix: crossed(matrix, job, jobs) },
        env: { ...(kept.env as Fields | undefined), [SECRET]: `\${{ secrets.${SECRET} }}` },
        steps: [
          ...prepared(facts, python, 'all', server(facts, python, `env.${SECRET} == ''`)),
          // With a Redis, the number only names the job; without the secret, it names the part.
          {
            run: ciLine(facts, [
              '--shard',
              `\${{ matrix.${job} }}/${jobs}`,
              ...runId,
              ...deadlineOf(kept['timeout-minutes']),
              '--out',
              'out',
            ]),
          },
          upload(`report${suffix}-\${{ matrix.${job} }}-\${{ github.run_attempt }}`, 'out'),
        ],
      },
    });
    return {
      ...workflowOf,
      next: [`Add the secret ${SECRET} to the repository, for example redis://:PASSWORD@HOST:6379.`, ...workflowOf.next],
    };
  },
};

const workflow = ({ job }: ProjectFacts, notes: readonly string[], jobs: Fields): Workflow => ({
  path: PATH,
  content: { name: 'tests', on: ON, ...job?.workflow, jobs },
  notes,
  next: [`Commit ${PATH} and push it.`],
});

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1);

/** The matrix with the numbers of the jobs. Entries of `include` do not multiply by themselves, so each is written once for every number. */
function crossed(matrix: Fields, name: string, jobs: number): Fields {
  const { include } = matrix;
  if (!Array.isArray(include)) return { ...matrix, [name]: numbers(jobs) };
  return { include: include.flatMap((entry) => numbers(jobs).map((number) => ({ ...entry, [name]: number }))) };
}

/** A name that the matrix does not use yet. */
function freeName(wanted: string, matrix: Fields): string {
  return namesOf(matrix).includes(wanted) ? `shardline-${wanted}` : wanted;
}

const upload = (name: string, path: string): Fields => ({
  if: 'always()',
  uses: pinned('upload-artifact'),
  with: { name, path, 'if-no-files-found': 'ignore' },
});

/** Ends the run before GitHub ends the job, whose limit counts the steps before the tests too. Nothing if the limit is an expression. */
function deadlineOf(limit: unknown): readonly string[] {
  if (typeof limit !== 'number') return [];
  const minutes = Math.floor(limit) - Math.min(5, Math.max(1, Math.ceil(limit / 5)));
  return minutes < 1 ? [] : ['--deadline', `${minutes}m`];
}

/** The step that installs a Redis server on the legs whose Python has none; `condition` is another one that has to hold. */
function server(facts: ProjectFacts, python: string, ...condition: readonly string[]): readonly unknown[] {
  const { job, pythons } = facts;
  const old = pythons.filter(needsServer);
  const axis = /matrix\.[\w-]+/.exec(python)?.[0];
  const mixed = axis !== undefined && old.length < pythons.length ? [`contains(fromJSON('${JSON.stringify(old)}'), ${axis})`] : [];
  const linux = job === null || /^ubuntu-/.test(String(job.fields['runs-on'])) ? [] : ["runner.os == 'Linux'"];
  const conditions = [...linux, ...mixed, ...condition];
  // The image of a container has its own user, which is root in most.
  return serverInstalls(facts, job?.fields.container === undefined ? 'sudo ' : '').map((run) => ({
    name: 'Install a Redis server',
    ...(conditions.length === 0 ? {} : { if: conditions.join(' && ') }),
    run,
  }));
}

/** Ubuntu 22.04 packages Redis 6.0. */
function oldServerIn(facts: ProjectFacts): readonly string[] {
  const isOld = /ubuntu-2[02]\.04/.test(JSON.stringify(facts.job?.fields ?? {}));
  if (!isOld || !facts.pythons.some(needsServer)) return [];
  return ['the Redis of Ubuntu 22.04 and earlier is too old: shardline needs 6.2. Fix: run the jobs on ubuntu-24.04'];
}

/** The fields of the job that ran pytest, without those that the new jobs set themselves. */
function base({ job }: ProjectFacts): Fields {
  // A limit on concurrent jobs would make the parts wait for each other, or cancel each other.
  const { steps: _steps, strategy: _strategy, needs: _needs, if: _if, name: _name, concurrency: _concurrency, ...kept } = job?.fields ?? {};
  return { 'runs-on': 'ubuntu-latest', 'timeout-minutes': MINUTES, ...kept };
}

/** The steps up to the tests: those of the old job, or new ones; `added` come before shardline. */
function prepared(facts: ProjectFacts, python: string, extra: string, added: readonly unknown[] = []): readonly unknown[] {
  if (facts.job !== null) return [...facts.job.before, ...added, ...(facts.pytest.prefix[0] === 'uv' ? [] : [{ run: pipInstall(extra) }])];
  return [
    { uses: pinned('checkout') },
    { uses: pinned('setup-python'), with: { 'python-version': python } },
    ...added,
    ...installs(facts, extra).map((run) => ({ run })),
  ];
}

/** The matrix of the old job, or one of Python versions. `suffix` tells the artifacts of its legs apart. */
function matrixOf({ job, pythons, pytest }: ProjectFacts) {
  const strategy = job?.fields.strategy;
  const old = isTable(strategy) ? strategy.matrix : undefined;
  const several = pythons.length > 1 && job === null ? { 'python-version': pythons } : {};
  const { kept, notes } = old === undefined ? { kept: several, notes: [] } : keptOf(old, pytest.dropped);
  const names = namesOf(kept);
  const own = job === null ? null : pythonOfJob(job);
  const axis = job === null ? 'python-version' : (own?.axis ?? null);
  const python = axis !== null && names.includes(axis) ? `\${{ matrix.${axis} }}` : (pythons[0] ?? FALLBACK_PYTHON);
  return { matrix: kept, names, axis, notes, python, suffix: names.map((name) => `-\${{ matrix.${name} }}`).join('') };
}

/** What the new jobs keep of a matrix: all of it, without an axis that only numbered the parts of another plugin. */
function keptOf(old: unknown, dropped: readonly string[]): { readonly kept: Fields; readonly notes: readonly string[] } {
  const left = (why: string) => ({
    kept: {},
    notes: [`left out the matrix of the job: ${why}. Add it yourself, and add its values to --run-id`],
  });
  if (!isTable(old)) return left('it is an expression');
  const axes = Object.keys(old).filter((name) => name !== 'include' && name !== 'exclude');
  const numbering = axes.filter((name) => dropped.some((value) => new RegExp(`matrix\\.${escaped(name)}\\b`).test(value)));
  const kept = Object.fromEntries(Object.entries(old).filter(([name]) => !numbering.includes(name)));
  const own = axes.filter((name) => !numbering.includes(name));
  if (own.some((name) => !Array.isArray(kept[name]))) return left('one of its axes is an expression');
  const { include } = kept;
  if (include !== undefined && (own.length > 0 || !Array.isArray(include) || !include.every(isTable)))
    return left('it adds entries with `include` to its axes');
  return { kept, notes: [] };
}

const escaped = (name: string): string => name.replaceAll(/[^\w-]/g, '.');

/** The axes of a matrix, or the keys of its entries. */
function namesOf({ include, exclude: _exclude, ...axes }: Fields): readonly string[] {
  const entries: readonly unknown[] = Array.isArray(include) ? include : [];
  return [...new Set([...Object.keys(axes), ...entries.flatMap((entry) => (isTable(entry) ? Object.keys(entry) : []))])];
}

const isTable = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
