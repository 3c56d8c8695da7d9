// Buttons that narrow the list to outcomes, to flaky tests and to new failures. Each shows how many tests it stands for.

import { useMemo } from 'preact/hooks';
import { type Model, type Status, statuses } from '../model.ts';
import type { Query } from '../query.ts';
import { number } from '../words.ts';

interface Props {
  readonly model: Model;
  readonly query: Query;
  readonly onQuery: (query: Query) => void;
}

export function OutcomeChips({ model, query, onQuery }: Props) {
  const counts = useMemo(() => countStatuses(model), [model]);
  const { tests, newFailures, totals } = model.data;
  // A file that was not collected is one row, and stands for several tests.
  const countOf = (status: Status, rows: number): number => (status === 'not run' && rows > 0 ? Math.max(rows, totals.notRun) : rows);
  return (
    <fieldset class="chips" aria-label="Outcome">
      {statuses.map((status, place) => (
        <Chip
          key={status}
          name={status}
          kind={status}
          count={countOf(status, counts[place] ?? 0)}
          isPressed={query.statuses.includes(place)}
          onPress={() => onQuery({ ...query, statuses: flipped(query.statuses, place) })}
        />
      ))}
      <Chip
        name="flaky"
        kind="flaky"
        count={tests.flaky.length}
        isPressed={query.onlyFlaky}
        onPress={() => onQuery({ ...query, onlyFlaky: !query.onlyFlaky })}
      />
      <Chip
        name="new failures"
        kind="failed"
        count={newFailures?.length ?? 0}
        isPressed={query.onlyNew}
        onPress={() => onQuery({ ...query, onlyNew: !query.onlyNew })}
      />
    </fieldset>
  );
}

interface ChipProps {
  readonly name: string;
  /** Its color. */
  readonly kind: string;
  readonly count: number;
  readonly isPressed: boolean;
  readonly onPress: () => void;
}

/** Shows nothing if it stands for no test. */
function Chip({ name, kind, count, isPressed, onPress }: ChipProps) {
  if (count === 0) return null;
  return (
    <button type="button" class={`chip ${kind}`} aria-pressed={isPressed} onClick={onPress}>
      {name} <b>{number(count)}</b>
    </button>
  );
}

/** Indexed by status. */
function countStatuses(model: Model): readonly number[] {
  const counts = statuses.map(() => 0);
  for (const status of model.status) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

const flipped = (chosen: readonly number[], status: number): readonly number[] =>
  chosen.includes(status) ? chosen.filter((each) => each !== status) : [...chosen, status];
