// The details of an opened row: how to run the test alone, and each attempt with its traceback and output. All of it is text, never markup.

import { Fragment } from 'preact';
import { useState } from 'preact/hooks';
import { briefOf } from '../../../shared/text/brief.ts';
import { shellWord } from '../../../shared/text/shell-quote.ts';
import { attemptsOf, fileOf, laneName, type Model, nodeidOf, statuses } from './model.ts';
import { duration, instant, number } from './words.ts';

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
        <dt>Run alone</dt>
        <dd>
          <code class="command">pytest {shellWord(nodeidOf(model, row))}</code>
        </dd>
        {(model.properties.get(row) ?? []).map(({ name, value }, index) => (
          <Fragment key={`${index} ${name}`}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </Fragment>
        ))}
      </dl>
      {why !== undefined && <Text text={why} />}
      {attempts.map((attempt, index) => (
        <Attempt
          key={attempt}
          model={model}
          attempt={attempt}
          title={attempts.length === 1 ? '' : `Attempt ${index + 1} of ${attempts.length}: `}
        />
      ))}
    </div>
  );
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

/** Sums up a traceback in one line. */
export function brief(text: string): string {
  return briefOf(text.slice(-SHOWN_CHARS)).slice(0, 300);
}
