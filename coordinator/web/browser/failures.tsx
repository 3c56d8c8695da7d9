// The failures of a finished run, open, with an address for each. The list of all tests is below the timeline.

import { brief, Details } from './details.tsx';
import { anchorOf, fileOf, type Model, statuses, statusWord } from './model.ts';
import { number, plural } from './words.ts';

/** More open failures would make the page slow, and are too many to read in sequence. */
const OPEN = 20;
const FIRST_HARMLESS = statuses.indexOf('not run');

export function Failures({ model }: { readonly model: Model }) {
  const failed = Array.from({ length: model.count }, (_, row) => row).filter((row) => (model.status[row] ?? 0) < FIRST_HARMLESS);
  if (failed.length === 0 || model.data.verdict === 'running') return null;
  const more = failed.length - OPEN;
  return (
    <section class="panel failures" aria-labelledby="failures-title">
      <header>
        <h2 id="failures-title">{failed.length === 1 ? '1 failure' : `${number(failed.length)} failures`}</h2>
        {more > 0 && (
          <p class="muted">
            The first {OPEN} are here, {plural(more, 'more failure')} in the list of tests.
          </p>
        )}
      </header>
      {failed.slice(0, OPEN).map((row) => (
        <Failure key={row} model={model} row={row} />
      ))}
    </section>
  );
}

function Failure({ model, row }: { readonly model: Model; readonly row: number }) {
  const status = statusWord(model, row);
  const last = (model.firstAttempt[row + 1] ?? 0) - 1;
  const why = model.why.get(row) ?? model.attempts.text.get(last) ?? '';
  const name = model.name[row] ?? '';
  const anchor = anchorOf(model, row);
  return (
    <details class="failure" id={anchor} open>
      <summary>
        <span class={`word ${status}`}>{status}</span>{' '}
        <span class="name">
          <span class="path">{fileOf(model, row)}</span>
          {name !== '' && <bdi>::{name}</bdi>}
        </span>
        {model.isNewFailure[row] === 1 && <span class="badge new">new</span>}
        <a class="link" href={`#${anchor}`} aria-label="Link to this failure">
          #
        </a>
        {why !== '' && <span class="brief">{brief(why)}</span>}
      </summary>
      <Details model={model} row={row} />
    </details>
  );
}
