// Collects the warnings, deselected tests, headers and sections of a report, for one run or several.

import type { AgentId } from '../../../shared/domain/ids.ts';
import type { CountedWarning, ReportedShown, ReportedWarning } from '../../../shared/domain/shown.ts';
import { sum } from '../../../shared/numbers.ts';
import type { TestRecord } from '../state/records.ts';
import { keyOf, type ShownState } from '../state/shown.ts';

/** Distinct warnings that a report lists; further ones are only counted. */
const LISTED = 1000;

/** pytest names up to this many places of a warning, and only files beyond that. */
const NAMED_PLACES = 9;

function byFile(places: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const files = new Map<string, number>();
  for (const [place, count] of places) {
    const file = place.split('::', 1)[0] ?? place;
    files.set(file, (files.get(file) ?? 0) + count);
  }
  return files;
}

/** Groups by file like pytest if there are many places. */
function placesOf(places: ReadonlyMap<string, number>): ReportedWarning['places'] {
  const listed = total(places) > NAMED_PLACES ? byFile(places) : places;
  return [...listed].filter(([place]) => place !== '').map(([place, count]) => ({ place, count }));
}

export const total = (places: ReadonlyMap<string, number>): number => sum(places.values());

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

const placeOf = ({ file, line }: CountedWarning): string => (line === 0 ? file : `${file}:${line}`);

/** `agents` are the agents that the report names, in any order. */
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

/** Merges the collections of several reports; counts add up. */
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
