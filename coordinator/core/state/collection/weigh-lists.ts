// Compares the agents' whole lists about a file that one agent could not collect.

import type { AgentId, TestFile } from '../../../../shared/domain/ids.ts';
import type { SuiteList } from '../../../../shared/domain/suite/suite-list.ts';
import { isAbove } from '../remaining-work.ts';
import type { RunState } from '../run-state.ts';
import { hasOddList } from './suite.ts';

/** True if this list says that the file, or a directory above it, could not be collected. */
const lacks = ({ failed }: Pick<SuiteList, 'failed'>, file: TestFile): boolean =>
  failed.some((other) => other === file || isAbove(other, file));
/**
 * Compares the other agents' lists: `confirmed` if an agent with the same tests could not collect the file either, the agent's id if one
 * could, null while no other agent has sent such a list. Also `confirmed` if the agent's own list does not contain the error.
 */
export function weighByLists(state: RunState, file: TestFile, agent: AgentId): AgentId | 'confirmed' | null {
  const { lists } = state.suite;
  const own = lists.get(agent);
  if (own === undefined || !own.failed.includes(file)) return 'confirmed';
  const others = [...lists].filter(([id]) => id !== agent && !hasOddList(state, id));
  return others.some(([, list]) => lacks(list, file)) ? 'confirmed' : (others[0]?.[0] ?? null);
}

/** The first file that this agent could not collect and the plan's list holds. */
export function lackedFile({ suite }: RunState, agent: AgentId): TestFile | null {
  const { list } = suite;
  return list === null ? null : (suite.lists.get(agent)?.failed.find((file) => !lacks(list, file)) ?? null);
}
