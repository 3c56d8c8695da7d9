// The truth about a simulated suite: the tests of each file, their outcomes on an agent, and the list that an agent collects.

import { createHash } from 'node:crypto';
import { assertNever } from '../../shared/assert-never.ts';
import type { AttemptRequest } from '../../shared/domain/attempt.ts';
import { nodeId, type TestFile, testFile } from '../../shared/domain/ids.ts';
import type { Outcome } from '../../shared/domain/outcome.ts';
import type { Selector } from '../../shared/domain/shard.ts';
import type { SuiteList } from '../../shared/domain/suite/suite-list.ts';
import type { Scenario, SimulatedAgent, SimulatedFile, SimulatedTest } from './scenario.ts';

/** The truth about the suite for all agents, and what they did with it. */
export interface Truth {
  readonly scenario: Scenario;
  readonly files: ReadonlyMap<string, SimulatedFile>;
  /** Tests that killed their session once already. */
  readonly spent: Set<string>;
  /** How many results were reported. */
  results: number;
}

export const truthOf = (scenario: Scenario): Truth => ({
  scenario,
  files: new Map(scenario.files.map((file) => [file.name, file])),
  spent: new Set(),
  results: 0,
});

/** The outcome of a test on this agent. */
export function outcomeOf(test: SimulatedTest, { role }: Pick<AttemptRequest, 'role'>, { kind }: Pick<SimulatedAgent, 'kind'>): Outcome {
  if (kind === 'broken') return 'failed';
  if (test.manner === 'heals') return role === 'rerun' ? 'passed' : 'failed';
  return test.manner === 'steady' ? test.outcome : 'passed';
}

export const selected = (file: SimulatedFile, selectors: readonly Selector[]): readonly SimulatedTest[] =>
  file.tests.filter(({ id }) => selectors.some((selector) => isSelected(selector, id)));

function isSelected(selector: Selector, id: string): boolean {
  switch (selector.kind) {
    case 'file':
      return true;
    case 'tests':
      return selector.nodeids.some((nodeid) => nodeid === id);
    case 'part':
      return selector.only === null ? !selector.except.some((nodeid) => nodeid === id) : selector.only.some((nodeid) => nodeid === id);
    default:
      return assertNever(selector);
  }
}

/** The list that every worker of this agent collects. */
export function listOf({ scenario }: Truth, { kind }: SimulatedAgent): SuiteList {
  const isLacking = kind === 'lacking';
  const groups = isLacking
    ? []
    : scenario.files
        .filter(({ isBroken, tests }) => !isBroken && tests.length > 0)
        .map(({ name, tests }) => ({ file: testFile(name), nodeids: tests.map(({ id }) => nodeId(id)) }));
  const failed: TestFile[] = scenario.files.filter(({ isBroken }) => isBroken || isLacking).map(({ name }) => testFile(name));
  const hash = createHash('sha256')
    .update(JSON.stringify([groups, failed]))
    .digest('hex');
  return { hash, order: 'free', why: null, tail: null, bound: [], others: failed, failed, groups, proof: null };
}
