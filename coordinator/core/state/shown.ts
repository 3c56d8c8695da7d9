// Collects what the agents' pytest sessions print besides results, for the whole run. Counts warnings as one plain pytest would.

import type { TestResult } from '../../../shared/domain/events.ts';
import type { AgentId, NodeId, TestFile } from '../../../shared/domain/ids.ts';
import type { CountedWarning, Shown, ShownSection } from '../../../shared/domain/shown.ts';

/** Maximum number of plugin sections kept per agent. */
const SECTIONS = 100;
/** Maximum number of distinct warnings outside of tests. */
const WARNINGS = 10_000;

interface SessionState {
  header: Shown['header'];
  readonly sections: ShownSection[];
}

export interface ShownState {
  readonly sessions: Map<AgentId, SessionState>;
  /** Warnings outside of tests. Every process imports the same modules, so the largest count of any process is the count. */
  readonly besides: Map<string, { readonly nodeid: NodeId | null; readonly warning: CountedWarning }>;
  readonly deselected: Map<TestFile, number>;
  /** Each distinct warning of a test once, however many tests have it. */
  readonly texts: Map<string, CountedWarning>;
}

export const noneShown = (): ShownState => ({ sessions: new Map(), besides: new Map(), deselected: new Map(), texts: new Map() });

/**
 * Changes `state`. Known output, and counts below those already recorded, change nothing. `cut` cuts a text for which the run has no room
 * left.
 */
export function addShown(state: ShownState, agent: AgentId, shown: Shown, cut: (text: string) => string = (text) => text): void {
  const session = state.sessions.get(agent) ?? { header: null, sections: [] };
  state.sessions.set(agent, session);
  session.header = shown.header ?? session.header;
  for (const section of shown.sections) {
    const isKnown = session.sections.some(({ title, text }) => title === section.title && text === section.text);
    if (!isKnown && session.sections.length < SECTIONS) session.sections.push({ title: section.title, text: cut(section.text) });
  }
  for (const each of shown.warnings) {
    const key = JSON.stringify([each.nodeid, keyOf(each.warning)]);
    const known = state.besides.get(key)?.warning;
    if (each.warning.count <= (known?.count ?? 0) || (known === undefined && state.besides.size >= WARNINGS)) continue;
    const message = known?.message ?? cut(each.warning.message);
    state.besides.set(key, { ...each, warning: { ...each.warning, message } });
  }
  for (const { file, count } of shown.deselected) state.deselected.set(file, Math.max(count, state.deselected.get(file) ?? 0));
}

/** Returns the result with shared warning objects, because thousands of tests may have the same warning. */
export function withSharedTexts(state: ShownState, result: TestResult): TestResult {
  if (result.warnings === undefined || result.warnings.length === 0) return result;
  const shared = (warning: CountedWarning): CountedWarning => {
    const key = JSON.stringify([warning.category, warning.message, warning.file, warning.line, warning.count]);
    const known = state.texts.get(key) ?? warning;
    state.texts.set(key, known);
    return known;
  };
  return { ...result, warnings: result.warnings.map(shared) };
}

/** Equal keys for the same line of the same package, wherever an agent has it installed. */
export const keyOf = ({ category, message, file, line }: CountedWarning): string =>
  JSON.stringify([category, message, file.replace(/^.*\/(site|dist)-packages\//, 'site-packages/'), line]);
