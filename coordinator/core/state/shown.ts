// What the agents' pytests showed besides results, and what it comes to for a whole run. Warnings are counted as one plain pytest would count them.

import type { TestResult } from '../../../shared/domain/events.ts';
import type { AgentId, NodeId, TestFile } from '../../../shared/domain/ids.ts';
import type { CountedWarning, ReportedShown, ReportedWarning, Shown, ShownSection } from '../../../shared/domain/shown.ts';
import type { TestRecord } from './run-state.ts';

/** How many distinct warnings a report lists; further ones are counted. */
const LISTED = 1000;
/** pytest names up to so many places of a warning, and of more only the files. */
const NAMED_PLACES = 9;
/** How many sections of plugins one agent's sessions may add up to. */
const SECTIONS = 100;

interface SessionState {
  header: Shown['header'];
  readonly sections: ShownSection[];
}

export interface ShownState {
  readonly sessions: Map<AgentId, SessionState>;
  /** Outside of tests: every process loads the same modules, so the largest count that one had is the count. */
  readonly besides: Map<string, { readonly nodeid: NodeId | null; readonly warning: CountedWarning }>;
  readonly deselected: Map<TestFile, number>;
  /** Each warning of a test once, whatever number of tests have it. */
  readonly texts: Map<string, CountedWarning>;
}

export const noneShown = (): ShownState => ({ sessions: new Map(), besides: new Map(), deselected: new Map(), texts: new Map() });

/** Changes `state`. What is known already, or was shown by a process that had seen less, changes nothing. */
export function addShown(state: ShownState, agent: AgentId, shown: Shown): void {
  const session = state.sessions.get(agent) ?? { header: null, sections: [] };
  state.sessions.set(agent, session);
  session.header = shown.header ?? session.header;
  for (const section of shown.sections) {
    const isKnown = session.sections.some(({ title, text }) => title === section.title && text === section.text);
    if (!isKnown && session.sections.length < SECTIONS) session.sections.push(section);
  }
  for (const each of shown.warnings) {
    const key = JSON.stringify([each.nodeid, keyOf(each.warning)]);
    if (each.warning.count > (state.besides.get(key)?.warning.count ?? 0)) state.besides.set(key, each);
  }
  for (const { file, count } of shown.deselected) state.deselected.set(file, Math.max(count, state.deselected.get(file) ?? 0));
}

/** The result, with warnings that other results have too: thousands of tests may have the same one. */
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

/** `agents` are those that the report names, in any order. */
export function reportShown(state: ShownState, tests: readonly TestRecord[], agents: readonly AgentId[]): ReportedShown {
  const found = new Map<string, { readonly warning: CountedWarning; readonly places: Map<string, number> }>();
  const add = (place: string, warning: CountedWarning): void => {
    const key = keyOf(warning);
    const group = found.get(key) ?? { warning, places: new Map() };
    found.set(key, group);
    group.places.set(place, (group.places.get(place) ?? 0) + warning.count);
  };
  for (const { nodeid, warning } of state.besides.values()) add(nodeid ?? placeOf(warning), warning);
  for (const { nodeid, accepted, reruns } of tests) {
    for (const each of accepted === null ? [] : [accepted, ...reruns])
      for (const warning of each.result.warnings ?? []) add(nodeid, warning);
  }
  const named = new Set(agents);
  const sessions = [...state.sessions].filter(([agent]) => named.has(agent)).sort(([left], [right]) => (left < right ? -1 : 1));
  return {
    warnings: listed([...found.values()].map(({ warning, places }) => ({ ...warning, count: total(places), places: placesOf(places) }))),
    deselected: [...state.deselected.values()].reduce((sum, count) => sum + count, 0),
    sessions: sessions.map(([agent, { header, sections }]) => ({ agent, header: header?.lines ?? [], sections })),
    asked: sessions.map(([, { header }]) => header?.asked ?? null).find((asked) => asked !== null) ?? null,
  };
}

/** The same for several reports: what each of them counts adds up. */
export function mergeShown(reports: readonly ReportedShown[]): ReportedShown {
  const groups = Map.groupBy(
    reports.flatMap(({ warnings }) => warnings),
    keyOf,
  );
  const warnings = [...groups.values()].flatMap(([first, ...others]): ReportedWarning[] => {
    if (first === undefined) return [];
    const places = new Map<string, number>();
    for (const { place, count } of [first, ...others].flatMap((each) => each.places)) places.set(place, (places.get(place) ?? 0) + count);
    return [{ ...first, count: total(places), places: placesOf(places) }];
  });
  return {
    warnings: listed(warnings),
    deselected: reports.reduce((sum, { deselected }) => sum + deselected, 0),
    sessions: reports.flatMap(({ sessions }) => sessions),
    asked: reports.map(({ asked }) => asked).find((asked) => asked !== null) ?? null,
  };
}

/** Equal for the same line of the same package, wherever an agent has it installed. */
const keyOf = ({ category, message, file, line }: CountedWarning): string =>
  JSON.stringify([category, message, file.replace(/^.*\/(site|dist)-packages\//, 'site-packages/'), line]);

const placeOf = ({ file, line }: CountedWarning): string => (line === 0 ? file : `${file}:${line}`);

const total = (places: ReadonlyMap<string, number>): number => [...places.values()].reduce((sum, count) => sum + count, 0);

/** As pytest has it: by file where there are many. */
function placesOf(places: ReadonlyMap<string, number>): ReportedWarning['places'] {
  const listed = total(places) > NAMED_PLACES ? byFile(places) : places;
  return [...listed].filter(([place]) => place !== '').map(([place, count]) => ({ place, count }));
}

function byFile(places: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const files = new Map<string, number>();
  for (const [place, count] of places) {
    const file = place.split('::', 1)[0] ?? place;
    files.set(file, (files.get(file) ?? 0) + count);
  }
  return files;
}

function listed(warnings: readonly ReportedWarning[]): readonly ReportedWarning[] {
  const further = warnings.slice(LISTED);
  if (further.length === 0) return warnings;
  const count = further.reduce((sum, each) => sum + each.count, 0);
  const rest = {
    category: 'Warning',
    message: `${further.length} further distinct warnings, counted only`,
    file: '',
    line: 0,
    count,
    places: [],
  };
  return [...warnings.slice(0, LISTED), rest];
}
