// Draws one suite as SVG: a bar for each peer and state of the caches, as long as the median ratio, with a line from quartile to quartile.

import type { Row } from './summary.ts';

const WIDTH = 760;
const LEFT = 190;
const RIGHT = 130;
const TOP = 44;
const BAR = 14;
const GAP = 8;

const STYLE = `text{font:12px system-ui,sans-serif;fill:#24292f}.title{font-weight:600}.axis{stroke:#8c959f}.one{stroke:#24292f;stroke-dasharray:3 3}
.cold{fill:#54aeff}.warm{fill:#bf8700}.own{stroke:#24292f;stroke-width:1.5}.spread{stroke:#24292f}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.one,.own,.spread{stroke:#e6edf3}}`;

/** `own`: the peer whose bars get an outline. `reference`: the title of the peer whose ratio is 1. */
export function drawChart(title: string, rows: readonly Row[], { own, reference }: { own: string; reference: string }): string {
  const peers = [...Map.groupBy(rows, ({ peer }) => peer).values()];
  const most = Math.max(1.2, ...rows.map(({ ratio }) => ratio?.upper ?? 0));
  const x = (ratio: number): number => LEFT + (ratio / most) * (WIDTH - LEFT - RIGHT);
  const parts: string[] = [];
  let y = TOP;
  for (const group of peers) {
    const middle = y + (group.length * BAR) / 2 + 4;
    parts.push(`<text x="${LEFT - 8}" y="${shown(middle)}" text-anchor="end">${escaped(group[0]?.title ?? '')}</text>`);
    for (const row of group) {
      parts.push(bar(row, y, x, own));
      y += BAR;
    }
    y += GAP;
  }
  const height = y + 26;
  const label = `Wall time of each runner for ${title}, as a multiple of ${reference}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(label)}">
<style>${STYLE}</style>
<text class="title" x="8" y="18">${escaped(title)}</text>
${legend(rows)}
<line class="axis" x1="${LEFT}" y1="${TOP - 6}" x2="${LEFT}" y2="${y}"/>
${parts.join('\n')}
<line class="one" x1="${shown(x(1))}" y1="${TOP - 6}" x2="${shown(x(1))}" y2="${y}"/>
<text x="${shown(x(1))}" y="${y + 16}" text-anchor="middle">1 = ${escaped(reference)}</text>
</svg>
`;
}

function bar({ peer, cache, ratio, parity }: Row, y: number, x: (ratio: number) => number, own: string): string {
  const baseline = shown(y + BAR - 3);
  if (ratio === null) return `<text x="${LEFT + 4}" y="${baseline}">no time</text>`;
  const middle = shown(y + BAR / 2);
  const outline = peer === own ? ' own' : '';
  const note = parity.kind === 'same' ? '' : ' (no parity)';
  const textX = shown(x(Math.max(ratio.median, ratio.upper)) + 6);
  return [
    `<rect class="${cache}${outline}" x="${LEFT}" y="${y + 1}" width="${shown(x(ratio.median) - LEFT)}" height="${BAR - 2}"/>`,
    `<line class="spread" x1="${shown(x(ratio.lower))}" y1="${middle}" x2="${shown(x(ratio.upper))}" y2="${middle}"/>`,
    `<text x="${textX}" y="${baseline}">${ratio.median.toFixed(2)}${note}</text>`,
  ].join('');
}

function legend(rows: readonly Row[]): string {
  const caches = [...new Set(rows.map(({ cache }) => cache))];
  return caches
    .map((cache, index) => {
      const left = LEFT + index * 110;
      return `<rect class="${cache}" x="${left}" y="25" width="10" height="10"/><text x="${left + 15}" y="34">${cache} caches</text>`;
    })
    .join('');
}

function shown(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
