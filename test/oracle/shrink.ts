// Finds the fewest files of a generated suite that still differ from plain pytest.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { minimize } from '../../agent/core/minimize.ts';
import { type GeneratedSuite, writeSuite } from './generate/generate.ts';
import { judge, problemsOf, type Verdict } from './harness.ts';
import { readSuite } from './suite.ts';
import type { Way } from './ways.ts';

/** Writes the suite to a temporary folder and judges it. */
export async function judgeGenerated(generated: GeneratedSuite, ways: readonly Way[]): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), 'shardline-oracle-seed-'));
  try {
    writeSuite(folder, generated);
    return await judge(readSuite(folder), ways);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Drops files as long as one of these aspects still differs in one of these ways. The oracle.json stays. */
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
