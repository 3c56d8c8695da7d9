// Shows what pytest printed besides results: warnings, plugins' sections at the end, and its header. All are folded, and all are text,
// never markup.

import type { Model } from './model.ts';
import { number, plural } from './words.ts';

export function Shown({ model }: { readonly model: Model }) {
  const { warnings, sessions } = model.data.shown ?? { warnings: [], sessions: [] };
  const total = warnings.reduce((sum, { count }) => sum + count, 0);
  return (
    <>
      {warnings.length > 0 && (
        <section class="panel" aria-labelledby="warnings-title">
          <header>
            <h2 id="warnings-title">{plural(total, 'warning')}</h2>
            <p class="muted">{number(warnings.length)} distinct</p>
          </header>
          {warnings.map(({ category, message, file, line, count, places }) => (
            <details key={`${file}:${line} ${category} ${message}`} class="shown">
              <summary>
                {number(count)} × <b>{category}</b> {message.split('\n', 1)[0]?.slice(0, 200)}{' '}
                <code class="muted">
                  {file}
                  {line === 0 ? '' : `:${line}`}
                </code>
              </summary>
              <pre>{message}</pre>
              <ul>
                {places.map(({ place, count: times }) => (
                  <li key={place}>
                    <bdi>{place}</bdi>
                    {times > 1 && ` ${number(times)} times`}
                  </li>
                ))}
              </ul>
            </details>
          ))}
        </section>
      )}
      {sessions.map(({ agent, header, sections }) => (
        <section key={agent} class="panel" aria-labelledby={`session-${agent}`}>
          <header>
            <h2 id={`session-${agent}`}>pytest on {agent}</h2>
          </header>
          {header.length > 0 && (
            <details class="shown">
              <summary>{header[0]}</summary>
              <pre>{header.join('\n')}</pre>
            </details>
          )}
          {sections.map(({ title, text }, index) => (
            <details key={`${index} ${title}`} class="shown" open={text.length < 2000}>
              <summary>
                {title} <span class="muted">{number(text.length)} characters</span>
              </summary>
              <pre>{text}</pre>
            </details>
          ))}
        </section>
      ))}
    </>
  );
}
