// The details of an opened row: how to run the test alone, and each attempt with its traceback and output. All of it is text, never markup.

import { Fragment } from 'preact';
import { useState } from 'preact/hooks';
import { sumUp } from '../../../shared/text/brief.ts';
import { shellWord } from '../../../shared/text/shell-quote.ts';
import { attemptsOf, fileOf, laneName, type Model, nodeidOf, statuses } from './model.ts';
import { duration, instant, number } from './words.ts';

/** The page is in the same folder as the events of the run. */
const OWN_FOLDER = '.';
/** Longer text is shown only on request: a browser takes seconds to wrap a line of a megabyte. */
const SHOWN_CHARS = 40_000;

interface Props {
  readonly model: Model;
  readonly row: number;
}

export function Details({ model, row }: Props) {
  const attempts = attemptsOf(model, row);
  const why = model.why.get(row);
  const line = model.line[row] ?? 0;
  return (
    <div class="details">
      <dl class="facts">
        <dt>File</dt>
        <dd>
          <code>
            {fileOf(model, row)}
            {line === 0 ? '' : `:${line}`}
          </code>
        </dd>
        <Commands model={model} row={row} last={attempts.at(-1)} />
        {(model.properties.get(row) ?? []).map(({ name, value }, index) => (
          <Fragment key={`${index} ${name}`}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </Fragment>
        ))}
      </dl>
      {why !== undefined && <Text text={why} />}
      {alike(model, attempts).map(({ first, numbers }) => (
        <Attempt key={first} model={model} attempt={first} title={titleOf(numbers, attempts.length)} />
      ))}
    </div>
  );
}

/** How to run the test again: alone, after the tests that ran before it, and to find which of those matter. */
function Commands({ model, row, last }: Props & { readonly last: number | undefined }) {
  const id = shellWord(nodeidOf(model, row));
  const [agent, worker] = model.data.lanes[model.attempts.lane[last ?? -1] ?? -1] ?? [];
  const [, folder = null, own = ''] = model.data.recorded.find(([name]) => name === agent) ?? [];
  const replay = `shardline replay ${shellWord(folderOf(folder ?? ''))}`;
  return (
    <>
      <Command title="Run alone" command={`pytest ${id}`} />
      {folder !== null && worker !== undefined && (model.status[row] ?? 0) < 2 && (
        <>
          <Command title="Run after the same tests" command={`${replay} --agent ${shellWord(own)} --worker ${worker}`} />
          <Command title="Find the tests that cause it" command={`${replay} --bisect ${id}`} />
        </>
      )}
    </>
  );
}

/** The page's own folder by the page's address, which is right wherever the folder was copied to. A page from a server has no folder. */
function folderOf(folder: string): string {
  if (folder !== OWN_FOLDER) return folder;
  const { protocol, pathname } = window.location;
  return protocol === 'file:' ? decodeURIComponent(pathname.slice(0, pathname.lastIndexOf('/'))) : 'FOLDER_OF_THIS_REPORT';
}

function Command({ title, command }: { readonly title: string; readonly command: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = (): void => {
    // A page that was opened as a file may lack the permission; the command can still be selected.
    navigator.clipboard?.writeText(command).then(
      () => setCopied(true),
      () => undefined,
    );
  };
  return (
    <>
      <dt>{title}</dt>
      <dd>
        <code class="command">{command}</code>{' '}
        <button type="button" class="link" onClick={copy}>
          {isCopied ? 'Copied' : 'Copy'}
        </button>
      </dd>
    </>
  );
}

/** Consecutive attempts with the same outcome, traceback and output appear once. */
function alike(model: Model, attempts: readonly number[]): readonly { readonly first: number; readonly numbers: readonly number[] }[] {
  const textOf = (attempt: number): string =>
    JSON.stringify([model.attempts.status[attempt], model.attempts.text.get(attempt), model.attempts.sections.get(attempt)]);
  const groups: { first: number; numbers: number[] }[] = [];
  attempts.forEach((attempt, index) => {
    const group = groups.at(-1);
    if (group !== undefined && textOf(group.first) === textOf(attempt)) group.numbers.push(index + 1);
    else groups.push({ first: attempt, numbers: [index + 1] });
  });
  return groups;
}

function titleOf(numbers: readonly number[], all: number): string {
  if (all === 1) return '';
  return numbers.length === 1 ? `Attempt ${numbers[0]} of ${all}: ` : `Attempts ${numbers.join(', ')} of ${all}, the same each time: `;
}

function Attempt({ model, attempt, title }: { readonly model: Model; readonly attempt: number; readonly title: string }) {
  const { attempts } = model;
  const status = statuses[attempts.status[attempt] ?? -1] ?? 'error';
  const text = attempts.text.get(attempt);
  return (
    <section class="attempt">
      <h4>
        {title}
        <span class={`word ${status}`}>{status}</span> on {laneName(model, attempt)} in {duration(attempts.ms[attempt] ?? 0)}, started at{' '}
        {instant(attempts.startedAt[attempt] ?? 0, 1)}
      </h4>
      {text !== undefined && <Text text={text} isTraceback={status === 'failed' || status === 'error'} />}
      {(attempts.sections.get(attempt) ?? []).map((section, index) => (
        <details key={`${index} ${section.title}`} open={section.text.length < 2000}>
          <summary>
            {section.title} <span class="muted">{number(section.text.length)} characters</span>
          </summary>
          <Text text={section.text} />
        </details>
      ))}
    </section>
  );
}

function Text({ text, isTraceback = false }: { readonly text: string; readonly isTraceback?: boolean }) {
  const [isWhole, setWhole] = useState(text.length <= SHOWN_CHARS);
  const shown = isWhole ? text : text.slice(0, SHOWN_CHARS);
  return (
    <>
      <pre>{isTraceback && text.length <= SHOWN_CHARS ? tracebackLines(shown) : shown}</pre>
      {!isWhole && (
        <button type="button" class="more" onClick={() => setWhole(true)}>
          Show all {number(text.length)} characters
        </button>
      )}
    </>
  );
}

/** pytest marks the failing line with `>` and the lines that describe the error with `E`. */
function tracebackLines(text: string) {
  const kindOf = (line: string): string => (/^E( |$)/.test(line) ? 'says' : /^>/.test(line) ? 'at' : '');
  const blocks: { kind: string; lines: string[] }[] = [];
  for (const line of text.split('\n')) {
    const last = blocks.at(-1);
    if (last !== undefined && last.kind === kindOf(line)) last.lines.push(line);
    else blocks.push({ kind: kindOf(line), lines: [line] });
  }
  return blocks.map(({ kind, lines }, index) => {
    const block = `${lines.join('\n')}${index === blocks.length - 1 ? '' : '\n'}`;
    return kind === '' ? block : <b class={kind}>{block}</b>;
  });
}

/** Longer summaries would fill the page. */
const BRIEF_CHARS = 300;

/** Sums up a traceback in one line. */
export const brief = (text: string): string => sumUp(text).slice(0, BRIEF_CHARS);
