// The targets of the comparison, as data, and whether a measurement meets them.

import { OWN, PLAIN, REFERENCE } from './peers.ts';
import { CACHES, type Results, type SuiteResults } from './results.ts';
import { pairedRatios, spread } from './statistics.ts';
import { parityOf, type Row, summarise } from './summary.ts';

export type Target =
  /** The median ratio to the reference, in each state of the caches; and less than the time of `aheadOf` in the same rounds. */
  | { readonly kind: 'ratio'; readonly suite: string; readonly most: number; readonly aheadOf?: string }
  /** Faster than every peer with the same workers, in each suite for which the reference takes longer than this. */
  | { readonly kind: 'ahead'; readonly overSeconds: number }
  | { readonly kind: 'first-failure'; readonly suite: string; readonly mostSeconds: number };

export const targets: readonly Target[] = [
  { kind: 'ratio', suite: 'trivial', most: 1 },
  { kind: 'ratio', suite: 'tiny', most: 0.8 },
  { kind: 'ratio', suite: 'collection', most: 0.7 },
  { kind: 'ratio', suite: 'networkx', most: 0.8, aheadOf: 'rstest' },
  { kind: 'ratio', suite: 'pandas', most: 0.78, aheadOf: 'rstest' },
  { kind: 'ratio', suite: 'sympy', most: 0.84, aheadOf: 'rstest' },
  { kind: 'ratio', suite: 'numpy', most: 0.9, aheadOf: 'rstest' },
  { kind: 'ahead', overSeconds: 10 },
  { kind: 'first-failure', suite: 'failing', mostSeconds: 0.5 },
];

export interface Judged {
  readonly target: Target;
  readonly state: 'met' | 'missed' | 'open';
  /** The figures that decide, one sentence each. */
  readonly why: readonly string[];
}

/** What could have been measured, by name. */
export interface Offered {
  readonly suites: readonly string[];
  readonly peers: readonly string[];
}

export function judge(results: Results, target: Target, offered: Offered): Judged {
  switch (target.kind) {
    case 'ratio':
      return judgeRatio(results, target);
    case 'ahead':
      return judgeAhead(results, target, offered);
    case 'first-failure':
      return judgeFirstFailure(results, target);
  }
}

function judgeRatio(results: Results, target: Target & { kind: 'ratio' }): Judged {
  const suite = results.suites.find(({ name }) => name === target.suite);
  if (suite === undefined) return { target, state: 'open', why: ['not measured'] };
  const rows = summarise(results, suite, REFERENCE);
  const findings = CACHES.flatMap((cache) => {
    const own = rows.find((row) => row.peer === OWN && row.cache === cache);
    const reference = rows.find((row) => row.peer === REFERENCE && row.cache === cache);
    return [
      ...(own === undefined ? [{ holds: null, why: `${cache} not measured` }] : [ratioFinding(own, reference, target.most)]),
      ...(target.aheadOf === undefined || own === undefined
        ? []
        : [aheadFinding(suite, own, target.aheadOf, titleOf(results, target.aheadOf))]),
    ];
  });
  const judged = concluded(target, [...findings, ...parityFindings(suite)]);
  return suite.isReduced ? { target, state: 'open', why: [`measured at a smaller size: ${suite.size}`, ...judged.why] } : judged;
}

interface Finding {
  /** Null: not known. */
  readonly holds: boolean | null;
  readonly why: string;
}

/** One finding that fails decides. Otherwise one that is not known leaves the target open. */
function concluded(target: Target, findings: readonly Finding[]): Judged {
  const why = findings.map((finding) => finding.why);
  if (findings.some(({ holds }) => holds === false)) return { target, state: 'missed', why };
  return { target, state: findings.length === 0 || findings.some(({ holds }) => holds === null) ? 'open' : 'met', why };
}

function ratioFinding(own: Row, reference: Row | undefined, most: number): Finding {
  if (own.ratio === null) return { holds: false, why: `${own.cache}: no time (${own.failures.join('; ') || 'the reference has none'})` };
  const against = (quantity: 'seconds' | 'cpuSeconds'): string =>
    `${fixed(own[quantity]?.median)} s against ${fixed(reference?.[quantity]?.median)} s`;
  const why = `${own.cache} ${fixed(own.ratio.median)}: ${against('seconds')}, CPU ${against('cpuSeconds')}`;
  return { holds: own.ratio.median <= most, why };
}

function aheadFinding(suite: SuiteResults, own: Row, peer: string, title: string): Finding {
  const ratio = spread(pairedRatios(suite.rounds, own.cache, OWN, peer));
  if (ratio === null) return { holds: null, why: `${own.cache}: no rounds with ${title}` };
  return { holds: ratio.median < 1, why: `${own.cache} ${fixed(ratio.median)} × ${title}` };
}

function parityFindings(suite: SuiteResults): readonly Finding[] {
  const parity = parityOf(suite.observed[OWN]);
  if (parity.kind === 'same') return [];
  return [
    parity.kind === 'differs'
      ? { holds: false, why: `${parity.differing} of ${parity.tests} outcomes differ from pytest's` }
      : { holds: null, why: `outcomes unknown: ${parity.why}` },
  ];
}

/** Open until every suite is measured at its size with every peer that could be installed. */
function judgeAhead(results: Results, target: Target & { kind: 'ahead' }, offered: Offered): Judged {
  const measured = results.suites.filter(({ isReduced, rounds }) => !isReduced && rounds.length > 0);
  const findings = measured.flatMap((suite): readonly Finding[] => {
    const rows = summarise(results, suite, REFERENCE);
    const isLong = rows.some(({ peer, seconds }) => peer === REFERENCE && (seconds?.median ?? 0) > target.overSeconds);
    if (!isLong) return [];
    const lost = lossesOf(suite, rows).map((loss) => ({ holds: false, why: `\`${suite.name}\` ${loss}` }));
    const won = { holds: true, why: `\`${suite.name}\`: ahead of all ${new Set(rows.map(({ peer }) => peer)).size - 1} measured` };
    return [...(lost.length > 0 ? lost : [won]), ...parityFindings(suite)];
  });
  const suites = offered.suites.filter((name) => !measured.some((suite) => suite.name === name));
  const peers = offered.peers.filter((name) => name !== PLAIN && results.peers[name] === undefined);
  const open = [...suites, ...peers].map((name) => `\`${name}\``).join(', ');
  return concluded(target, [...findings, ...(open === '' ? [] : [{ holds: null, why: `not measured, or not at full size: ${open}` }])]);
}

/** One line for each state of the caches in which a peer with the same number of workers is faster, with the medians of paired ratios. */
export function lossesOf(suite: SuiteResults, rows: readonly Row[]): readonly string[] {
  const faster = rows
    .filter(({ peer }) => peer !== OWN && peer !== PLAIN)
    .flatMap(({ cache, peer, title, parity }) => {
      const ratio = spread(pairedRatios(suite.rounds, cache, peer, OWN));
      const note = parity.kind === 'same' ? '' : ' (without parity)';
      return ratio !== null && ratio.median < 1
        ? [{ cache, text: `${title} takes ${fixed(ratio.median)} of shardline's time${note}` }]
        : [];
    });
  return [...Map.groupBy(faster, ({ cache }) => cache)].map(([cache, all]) => `${cache}: ${all.map(({ text }) => text).join(', ')}`);
}

function judgeFirstFailure(results: Results, target: Target & { kind: 'first-failure' }): Judged {
  const suite = results.suites.find(({ name }) => name === target.suite);
  const rows = suite === undefined ? [] : summarise(results, suite, REFERENCE).filter(({ peer }) => peer === OWN);
  if (rows.length === 0) return { target, state: 'open', why: ['not measured'] };
  return concluded(
    target,
    rows.map(({ cache, firstFailureSeconds, failures }) =>
      firstFailureSeconds === null
        ? { holds: false, why: `${cache}: ${failures.join('; ')}` }
        : { holds: firstFailureSeconds.median <= target.mostSeconds, why: `${cache} ${fixed(firstFailureSeconds.median)} s` },
    ),
  );
}

function titleOf(results: Results, peer: string): string {
  return results.peers[peer]?.title ?? peer;
}

export function fixed(value: number | undefined): string {
  return value === undefined ? '?' : value.toFixed(2);
}
