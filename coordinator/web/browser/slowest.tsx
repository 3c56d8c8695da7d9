// Shows the slowest tests and the slowest files, each with its share of all test time, and the tests that were unstable in the last runs.

import { useMemo } from 'preact/hooks';
import { fileOf, type Model, nodeidOf } from './model.ts';
import { slowestFiles } from './query.ts';
import { duration, percent, plural } from './words.ts';

const SHOWN = 25;

interface Props {
  readonly model: Model;
  readonly onOpen: (row: number) => void;
  readonly onFile: (file: number) => void;
}

export function Slowest(props: Props) {
  return (
    <>
      <Unstable {...props} />
      <SlowestTests {...props} />
    </>
  );
}

const endings: Readonly<Record<string, string>> = { P: 'passed', F: 'failed', R: 'passed when it ran again', S: 'skipped' };

function Unstable({ model, onOpen }: Props) {
  const { unstable } = model.data;
  if (unstable.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="unstable-tests">
      <header>
        <h2 id="unstable-tests">Unstable in the last runs</h2>
        <p class="muted">Failed, passed and failed again, or passed only when run again. The last run is on the right.</p>
      </header>
      <ol class="ranking">
        {unstable.map(([row, lastRuns]) => (
          <li key={row}>
            <button type="button" onClick={() => onOpen(row)} title={nodeidOf(model, row)}>
              <bdi class="name">{model.name[row] || fileOf(model, row)}</bdi>
              <span class="muted path">{fileOf(model, row)}</span>
              <span class="last-runs" role="img" aria-label={[...lastRuns].map((mark) => endings[mark]).join(', ')}>
                {[...lastRuns].map((mark, index) => (
                  <i key={index} class={`mark ran-${mark}`} title={endings[mark]} />
                ))}
              </span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

function SlowestTests({ model, onOpen, onFile }: Props) {
  const { tests, files, totalMs } = useMemo(() => {
    const all = slowestFiles(model);
    const ran = Array.from({ length: model.data.tests.name.length }, (_, row) => row);
    ran.sort((left, right) => (model.ms[right] ?? 0) - (model.ms[left] ?? 0) || left - right);
    return {
      tests: ran.slice(0, SHOWN),
      files: all,
      totalMs: Math.max(
        1,
        all.reduce((sum, { ms }) => sum + ms, 0),
      ),
    };
  }, [model]);
  const usualMs = useMemo(() => new Map(model.data.usualMs), [model]);
  const [mostTest, mostFile] = [model.ms[tests[0] ?? 0] ?? 1, files[0]?.ms ?? 1];
  return (
    <div class="columns">
      <section class="panel" aria-labelledby="slowest-tests">
        <header>
          <h2 id="slowest-tests">Slowest tests</h2>
        </header>
        <ol class="ranking">
          {tests.map((row) => (
            <li key={row}>
              <button type="button" onClick={() => onOpen(row)} title={nodeidOf(model, row)}>
                <bdi class="name">{model.name[row] || fileOf(model, row)}</bdi>
                <span class="muted path">
                  {fileOf(model, row)}
                  {usualMs.has(row) && `, usually ${duration(usualMs.get(row) ?? 0)}`}
                </span>
                <Share ms={model.ms[row] ?? 0} mostMs={mostTest} totalMs={totalMs} />
              </button>
            </li>
          ))}
        </ol>
      </section>
      <section class="panel" aria-labelledby="slowest-files">
        <header>
          <h2 id="slowest-files">Slowest files</h2>
        </header>
        <ol class="ranking">
          {files.slice(0, SHOWN).map(({ file, path, tests: count, failures, ms }) => (
            <li key={file}>
              <button type="button" onClick={() => onFile(file)} title={path}>
                <bdi class="name">{path}</bdi>
                <span class="muted path">
                  {plural(count, 'test')}
                  {failures > 0 && `, ${failures} failed`}
                </span>
                <Share ms={ms} mostMs={mostFile} totalMs={totalMs} />
              </button>
            </li>
          ))}
        </ol>
      </section>
    </div>
  );
}

function Share({ ms, mostMs, totalMs }: { readonly ms: number; readonly mostMs: number; readonly totalMs: number }) {
  return (
    <span class="time">
      {duration(ms)} <small class="muted">{percent(ms / totalMs)}</small>
      <i style={{ width: `${(ms / Math.max(mostMs, 1e-3)) * 100}%` }} />
    </span>
  );
}
