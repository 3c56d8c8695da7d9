// A chart of bars on one scale, each part in the color of its name, with a legend. The table next to the chart has the numbers, so a screen
// reader gets one image.

import type { Bar } from '../audit-data.ts';

const ROW = 30;
const NAMES = 150;
const WIDTH = 900;
const VALUES = 80;

export function BarChart({ title, bars }: { readonly title: string; readonly bars: readonly Bar[] }) {
  const names = [...new Set(bars.flatMap(({ parts }) => parts.map(({ part }) => part)))];
  const scale = (WIDTH - NAMES - VALUES) / Math.max(0.001, ...bars.map(lengthOf));
  return (
    <figure>
      <figcaption>{title}</figcaption>
      <div class="wide">
        <svg role="img" aria-label={title} viewBox={`0 0 ${WIDTH} ${bars.length * ROW}`}>
          {bars.map((bar, row) => (
            <Row bar={bar} top={row * ROW} scale={scale} names={names} />
          ))}
        </svg>
      </div>
      {names.length > 1 && (
        <ul class="legend">
          {names.map((name, index) => (
            <li class={`part-${index}`}>{name}</li>
          ))}
        </ul>
      )}
    </figure>
  );
}

interface RowProps {
  readonly bar: Bar;
  readonly top: number;
  /** Units of the drawing per second. */
  readonly scale: number;
  /** The names of all parts, in the order of their colors. */
  readonly names: readonly string[];
}

function Row({ bar: { label, parts, words }, top, scale, names }: RowProps) {
  const middle = top + ROW / 2 + 4;
  let x = NAMES;
  const drawn = parts.map(({ part, seconds, words: length }) => {
    const left = x;
    x += seconds * scale;
    return (
      <rect class={`part-${names.indexOf(part)}`} x={left.toFixed(1)} y={top + 5} width={(x - left).toFixed(1)} height={ROW - 10}>
        <title>{`${part}: ${length}`}</title>
      </rect>
    );
  });
  return (
    <>
      <text x={NAMES - 10} y={middle} text-anchor="end">
        {label}
      </text>
      {drawn}
      <text class="value" x={(x + 8).toFixed(1)} y={middle}>
        {words}
      </text>
    </>
  );
}

const lengthOf = ({ parts }: Bar): number => parts.reduce((sum, { seconds }) => sum + seconds, 0);
