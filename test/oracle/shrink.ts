// The least of a generated suite's files that still differs.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { minimize } from '../../agent/core/minimize.ts';
import { type GeneratedSuite, writeSuite } from './generate/generate.ts';
import { judge, problemsOf, type Verdict } from './harness.ts';
import { readSuite } from './suite.ts';
import type { Way } from './ways.ts';

/** Judges a suite that is written to a temporary folder. */
export async function judgeGenerated(generated: GeneratedSuite, ways: readonly Way[]): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), 'shardline-oracle-seed-'));
  try {
    writeSuite(folder, generated);
    return await judge(readSuite(folder), ways);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Drops files while an aspect that differed still differs in one of these ways. The oracle.json stays. */
export async function shrink(generated: GeneratedSuite, ways: readonly Way[], aspects: ReadonlySet<string>): Promise<GeneratedSuite> {
  const of = (paths: readonly string[]): GeneratedSuite =>
    Object.fromEntries(Object.entries(generated).filter(([path]) => path === 'oracle.json' || paths.includes(path)));
  const search = minimize(Object.keys(generated).filter((path) => path !== 'oracle.json'));
  let step = search.next();
  while (step.done !== true) {
    const verdict = await judgeGenerated(of(step.value), ways);
    step = search.next(aspectsOf(verdict).some((aspect) => aspects.has(aspect)));
  }
  return of(step.value);
}

export const aspectsOf = ({ judged }: Verdict): string[] => judged.flatMap(({ differences }) => differences.map(({ aspect }) => aspect));

export const differs = (verdict: Verdict): boolean => problemsOf(verdict).length > 0;
