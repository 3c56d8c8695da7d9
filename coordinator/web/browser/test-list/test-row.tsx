// One row of the list: the test's outcome, name, place and duration, and its details once it is open.

import { brief, Details } from '../details.tsx';
import { attemptsOf, fileOf, laneName, type Model, statusWord } from '../model.ts';
import { duration, plural } from '../words.ts';

interface Props {
  readonly model: Model;
  readonly row: number;
  readonly isOpen: boolean;
  readonly longestMs: number;
  readonly onToggle: () => void;
}

export function TestRow({ model, row, isOpen, longestMs, onToggle }: Props) {
  const status = statusWord(model, row);
  const attempts = attemptsOf(model, row);
  const last = attempts.at(-1);
  const why = model.why.get(row) ?? (last === undefined ? undefined : model.attempts.text.get(last));
  const ms = model.ms[row] ?? 0;
  const name = model.name[row] ?? '';
  return (
    <>
      <button type="button" class="row-head" aria-expanded={isOpen} onClick={onToggle}>
        <span class={`word ${status}`}>{status}</span>
        <span class="what">
          <span class="name">
            <span class="path">{fileOf(model, row)}</span>
            {name !== '' && <bdi>::{name}</bdi>}
          </span>
          {why !== undefined && why !== '' && <span class="brief">{brief(why)}</span>}
        </span>
        {model.isFlaky[row] === 1 && <span class="badge">flaky, {plural(attempts.length, 'attempt')}</span>}
        {model.isNewFailure[row] === 1 && <span class="badge new">new</span>}
        <span class="where">{last === undefined ? '' : laneName(model, last)}</span>
        <span class="time">
          {last === undefined && ms > 0 ? `≈ ${duration(ms)}` : last === undefined ? '' : duration(ms)}
          <i style={{ width: `${Math.min(100, (ms / longestMs) * 100)}%` }} />
        </span>
      </button>
      {isOpen && <Details model={model} row={row} />}
    </>
  );
}
