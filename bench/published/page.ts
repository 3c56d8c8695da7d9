// Renders RESULTS.md and its pictures from the raw numbers.

import { drawChart } from './chart.ts';
import { OWN, PLAIN, REFERENCE } from './peers.ts';
import { CACHES, type Results, type SuiteResults } from './results.ts';
import { type Spread, spread } from './statistics.ts';
import { type Parity, type Row, summarise } from './summary.ts';
import { fixed, type Judged, judge, lossesOf, type Offered, type Target, targets } from './targets.ts';

export interface Page {
  readonly markdown: string;
  /** SVG by file name, in the folder that the page refers to as `results/`. */
  readonly pictures: ReadonlyMap<string, string>;
}

export function renderPage(results: Results, offered: Offered): Page {
  const order = (name: string): number => offered.suites.indexOf(name);
  const suites = results.suites.toSorted((left, right) => order(left.name) - order(right.name));
  const sorted = { ...results, suites };
  const sections = suites.map((suite) => ({ suite, rows: summarise(sorted, suite, REFERENCE) }));
  const reference = results.peers[REFERENCE]?.title ?? REFERENCE;
  const markdown = [
    introduction(sorted, reference),
    notMeasured(sorted, offered),
    `## Targets\n\n${targetTable(sorted, reference, offered)}`,
    `## Where another runner is faster\n\n${losses(sections)}`,
    ...sections.map(({ suite, rows }) => section(suite, rows, reference)),
    method(results),
  ];
  const pictures = sections.map(({ suite, rows }): [string, string] => [
    `${suite.name}.svg`,
    drawChart(suiteTitle(suite), rows, { own: OWN, reference }),
  ]);
  return { markdown: `${markdown.filter((part) => part !== '').join('\n\n')}\n`, pictures: new Map(pictures) };
}

function introduction({ conditions, peers, suites }: Results, reference: string): string {
  const days = suites.flatMap(({ rounds }) => rounds.map(({ at }) => at.slice(0, 10))).toSorted();
  const date = days.length === 0 ? 'no rounds' : [...new Set([days[0], days.at(-1)])].join(' to ');
  const { processor, cores, memoryBytes, system, python, workers, commit } = conditions;
  const installed = Object.values(peers).map(
    (peer) => `| ${peer.title} | ${'versions' in peer ? peer.versions : `not measured: ${peer.unavailable}`} |`,
  );
  return `# Speed beside other runners

\`npm run bench\` writes this page from [results/results.json](results/results.json). Do not edit it.

A **ratio** is the wall time of a command divided by that of \`${reference}\` in the same round: less than 1 is faster. Each figure is a median with
its quartiles. Each runner has ${workers} workers, but plain pytest has one process. **Cold**: no bytecode of the tests, and none of the files that a
runner keeps for its next run, as in a new CI job. **Warm**: the command has run before. **Outcomes**: whether each test has the outcome that it has
with plain pytest.

| | |
|---|---|
| Date | ${date} |
| shardline | commit ${commit}, installed from its wheel |
| Machine | ${processor}, ${cores} cores, ${gigabytes(memoryBytes)} of memory, ${system} |
| Python | ${python} |
| Load average before the rounds | ${loadText(suites, workers)} |

| Runner | Versions |
|---|---|
${installed.join('\n')}`;
}

/** The commands themselves cause about one more than their workers. */
function loadText(suites: readonly SuiteResults[], workers: number): string {
  const loads = spread(suites.flatMap(({ rounds }) => rounds.map(({ load }) => load)));
  return loads === null ? '' : `${spreadText(loads)}; above ${workers + 1}, other work slowed the commands`;
}

function notMeasured({ suites, peers, conditions }: Results, offered: Offered): string {
  const lines = [
    missing(
      'Suites',
      offered.suites,
      suites.map(({ name }) => name),
    ),
    missing('Runners', offered.peers, Object.keys(peers)),
    ...suites.filter(({ isReduced }) => isReduced).map(({ name, size }) => `- \`${name}\` was measured at a smaller size: ${size}.`),
    ...(conditions.commit.endsWith('+') ? ['- The checkout had changes that are not in its commit.'] : []),
  ].filter((line) => line !== '');
  return lines.length === 0 ? '' : `## Not measured\n\n${lines.join('\n')}`;
}

function missing(what: string, all: readonly string[], measured: readonly string[]): string {
  const names = all.filter((name) => !measured.includes(name));
  return names.length === 0 ? '' : `- ${what}: ${names.map((name) => `\`${name}\``).join(', ')}.`;
}

function targetTable(results: Results, reference: string, offered: Offered): string {
  const words = { met: 'met', missed: '**missed**', open: 'open' } as const;
  const rows = targets
    .map((target) => judge(results, target, offered))
    .map(({ target, state, why }: Judged) => {
      return `| ${described(target, results, reference)} | ${words[state]} | ${why.map(cell).join('<br>')} |`;
    });
  return `| Target for shardline | | Why |\n|---|---|---|\n${rows.join('\n')}`;
}

function described(target: Target, results: Results, reference: string): string {
  switch (target.kind) {
    case 'ratio': {
      const ahead = target.aheadOf === undefined ? '' : `, and ahead of ${results.peers[target.aheadOf]?.title ?? target.aheadOf}`;
      return `\`${target.suite}\`: at most ${target.most.toFixed(2)} × \`${reference}\`${ahead}`;
    }
    case 'ahead':
      return `ahead of each runner with the same workers in each suite over ${target.overSeconds} s`;
    case 'first-failure':
      return `\`${target.suite}\`: reports the first failure at most ${target.mostSeconds} s after it happens`;
  }
}

function losses(sections: readonly { readonly suite: SuiteResults; readonly rows: readonly Row[] }[]): string {
  const lines = sections.flatMap(({ suite, rows }) => lossesOf(suite, rows).map((loss) => `- \`${suite.name}\` ${loss}.`));
  return lines.length === 0 ? 'Nowhere in what was measured.' : lines.join('\n');
}

function section(suite: SuiteResults, rows: readonly Row[], reference: string): string {
  const tables = CACHES.flatMap((cache) => {
    const own = rows.filter((row) => row.cache === cache);
    return own.length === 0 ? [] : [table(cache, own, reference)];
  });
  const differences = new Map(rows.flatMap(({ title, parity }) => (parity.kind === 'differs' ? [[title, parity.examples] as const] : [])));
  const listed = [...differences].map(
    ([title, examples]) => `Other outcomes of ${title}, the first ${examples.length}:\n\n${list(examples)}`,
  );
  return [`## ${suiteTitle(suite)}`, `![Ratios of \`${suite.name}\`](results/${suite.name}.svg)`, ...tables, ...listed].join('\n\n');
}

function list(examples: readonly string[]): string {
  return examples.map((example) => `- \`${example}\``).join('\n');
}

function table(cache: string, rows: readonly Row[], reference: string): string {
  const count = Math.max(...rows.map(({ seconds }) => seconds?.count ?? 0));
  const hasFailure = rows.some(({ firstFailureSeconds }) => firstFailureSeconds !== null);
  const head = [
    `${cache}, ${count} ${count === 1 ? 'round' : 'rounds'}`,
    `ratio to ${reference}`,
    'outcomes',
    'wall s',
    'CPU s',
    'peak memory',
    ...(hasFailure ? ['first failure s'] : []),
  ];
  const lines = rows.map((row) => [
    row.peer === OWN ? `**${row.title}**` : row.title,
    ratioText(row),
    parityText(row.parity),
    spreadText(row.seconds),
    spreadText(row.cpuSeconds),
    row.peakBytes === null ? '' : `${Math.round(row.peakBytes / 1e6)} MB`,
    ...(hasFailure ? [spreadText(row.firstFailureSeconds)] : []),
  ]);
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n');
}

/** A figure without parity is in brackets: it is the time of other work. */
function ratioText({ ratio, parity, failures }: Row): string {
  if (ratio === null) return `no time: ${failures.join('; ')}`;
  const text = spreadText(ratio);
  const some = failures.length === 0 ? '' : `; in other rounds: ${failures.join('; ')}`;
  return `${parity.kind === 'same' ? text : `(${text})`}${some}`;
}

function parityText(parity: Parity): string {
  switch (parity.kind) {
    case 'same':
      return `all ${parity.tests} as pytest`;
    case 'differs':
      return `${parity.differing} of ${parity.tests} differ`;
    case 'unknown':
      return `unknown: ${parity.why}`;
  }
}

function spreadText(values: Spread | null): string {
  return values === null ? '' : `${fixed(values.median)} [${fixed(values.lower)}–${fixed(values.upper)}]`;
}

function suiteTitle({ name, title, size }: SuiteResults): string {
  return `${name}: ${title}${size === '' ? '' : ` (${size})`}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function gigabytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 30)} GiB`;
}

function method({ conditions, peers }: Results): string {
  const plain =
    peers[PLAIN] === undefined
      ? 'Plain pytest was run once for its outcomes and not timed.'
      : 'Plain pytest is timed too, with its one process.';
  return `## How it is measured

- In each round, each command runs once, one after the other; the first one changes from round to round. Ratios are of times in one round.
- Wall time is from the start of the command to its exit. CPU time includes all processes that the command starts.
- Outcomes and peak memory are from one further run of each command with cold caches, which is not timed. Memory is sampled every 50 ms; a page that
  several processes share counts once (PSS).
- A ratio in brackets is from a command whose outcomes are not those of plain pytest, or not known.
- ${plain}

## Reproduce

\`\`\`sh
npm run bench -- --workers ${conditions.workers}
npm run bench -- --suites trivial,tiny --rounds 3 --peers pytest,rstest
npm run bench -- --render
\`\`\`

[README.md](README.md) has the options.`;
}
