// The truth about a simulated suite: the tests of each file, their outcomes on an agent, and the list that an agent collects.

import { createHash } from 'node:crypto';
import { assertNever } from '../../shared/assert-never.ts';
import type { AttemptRequest } from '../../shared/domain/attempt.ts';
import { nodeId, type TestFile, testFile } from '../../shared/domain/ids.ts';
import { isNone, limitOf } from '../../shared/domain/needs.ts';
import type { Outcome } from '../../shared/domain/outcome.ts';
import type { Selector } from '../../shared/domain/shard.ts';
import type { SuiteList } from '../../shared/domain/suite/suite-list.ts';
import type { Process } from '../fakes/redis/process.ts';
import type { Scenario, SimulatedAgent, SimulatedFile, SimulatedTest } from './scenario.ts';

/** The truth about the suite for all agents, and what they did with it. */
export interface Truth {
  readonly scenario: Scenario;
  readonly files: ReadonlyMap<string, SimulatedFile>;
  /** Tests that killed their session once already. */
  readonly spent: Set<string>;
  /** How many results were reported. */
  results: number;
  /** Tests of all runs that run now and need a resource, with their process. */
  readonly using: Set<Use>;
  /** How often a test used a resource. */
  uses: number;
  /** Resources of which more units were in use than there are, in words. */
  readonly overused: string[];
  /** How many tests of all runs each process of an agent runs now. */
  readonly atWork: Map<Process, number>;
  /** Agents that ran more tests at once than they have xdist workers, in words. */
  readonly overworked: string[];
}

export interface Use {
  readonly process: Process;
  readonly test: SimulatedTest;
}

/** A test starts to use its resources, until the returned function is called. A process that is killed uses nothing any more. */
export function use(truth: Truth, own: Use): () => void {
  const { scenario, using, overused } = truth;
  using.add(own);
  truth.uses += own.test.needs?.resources.length ?? 0;
  for (const { name } of own.test.needs?.resources ?? []) {
    const users = [...using].filter(({ process }) => !process.isDead());
    const units = users.reduce((sum, { test }) => sum + (test.needs?.resources.find((each) => each.name === name)?.units ?? 0), 0);
    const limit = limitOf(scenario.resources ?? {}, name);
    const ids = users
      .filter(({ test }) => test.needs?.resources.some((each) => each.name === name))
      .map(({ test, process }) => `${test.id} on ${process.name}`);
    if (units > limit) overused.push(`${units} of ${limit} units of ${name} are in use: ${ids.join(', ')}`);
  }
  return () => void using.delete(own);
}

/** An agent begins a test, until the returned function is called. */
export function occupy({ atWork, overworked }: Truth, process: Process, { name, workers }: SimulatedAgent): () => void {
  const count = (atWork.get(process) ?? 0) + 1;
  atWork.set(process, count);
  if (count > workers) overworked.push(`${name} ran ${count} tests at once with ${workers} workers`);
  return () => void atWork.set(process, (atWork.get(process) ?? 0) - 1);
}

/** `shared` is what the truths of all runs have in common. */
export const truthOf = (scenario: Scenario, shared: Pick<Truth, 'atWork' | 'overworked' | 'using'>): Truth => ({
  ...shared,
  scenario,
  files: new Map(scenario.files.map((file) => [file.name, file])),
  spent: new Set(),
  results: 0,
  uses: 0,
  overused: [],
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
  const needs = scenario.files
    .flatMap(({ isBroken, tests }) => (isBroken || isLacking ? [] : tests))
    .flatMap(({ id, needs: own }) => (own === undefined || isNone(own) ? [] : [{ nodeid: nodeId(id), needs: own }]));
  return {
    ...(needs.length === 0 ? {} : { needs }),
    hash,
    order: 'free',
    why: null,
    tail: null,
    bound: [],
    others: failed,
    failed,
    groups,
    proof: null,
  };
}
