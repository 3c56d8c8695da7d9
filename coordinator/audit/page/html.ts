// Renders `audit.html`: the audit's document as one page without scripts, in the style of report.html. Test names are text, never markup.

import { createHash } from 'node:crypto';
import { assertNever } from '../../../shared/assert-never.ts';
import { harmless } from '../../../shared/text/safe-text.ts';
import { inSeconds } from '../../reporters/summary/profile-text.ts';
import type { Bar, Block, Inline } from './document.ts';
import { auditStyle } from './style.ts';

export function auditHtml(title: string, blocks: readonly Block[]): string {
  const hash = createHash('sha256').update(auditStyle).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${text(title)}</title>
<style>${auditStyle}</style>
</head>
<body>
<main>
${blocks.map(draw).join('\n')}
</main>
</body>
</html>
`;
}

function draw(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `<h${block.level}>${text(block.text)}</h${block.level}>`;
    case 'words':
      return `<p>${line(block.words)}</p>`;
    case 'list':
      return `<ul>${block.items.map((item) => `<li>${line(item)}</li>`).join('')}</ul>`;
    case 'table': {
      const kind = (index: number): string => (index === 0 || block.wordy.includes(index) ? '' : ' class="number"');
      const head = block.head.map((name, index) => `<th scope="col"${kind(index)}>${text(name)}</th>`).join('');
      const rows = block.rows.map((row) => `<tr>${row.map((cell, index) => `<td${kind(index)}>${line(cell)}</td>`).join('')}</tr>`);
      return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
    }
    case 'bars':
      return chart(block.title, block.bars);
    case 'code':
      return `<pre><code>${text(block.text)}</code></pre>`;
    default:
      return assertNever(block);
  }
}

const ROW = 30;
const NAMES = 150;
const WIDTH = 900;
const VALUES = 80;

/**
 * Bars on one scale, each part in the color of its name, with a legend. The table next to the chart has the numbers, so a screen reader
 * sees one image.
 */
function chart(title: string, bars: readonly Bar[]): string {
  const parts = [...new Set(bars.flatMap(({ seconds }) => seconds.map(({ part }) => part)))];
  const total = (bar: Bar): number => bar.seconds.reduce((sum, { seconds }) => sum + seconds, 0);
  const scale = (WIDTH - NAMES - VALUES) / Math.max(0.001, ...bars.map(total));
  const rows = bars.map((bar, index) => {
    const y = index * ROW;
    let x = NAMES;
    const drawn = bar.seconds.map(({ part, seconds }) => {
      const width = seconds * scale;
      const rect = `<rect class="part-${parts.indexOf(part)}" x="${x.toFixed(1)}" y="${y + 5}" width="${width.toFixed(1)}" height="${ROW - 10}"><title>${text(`${part}: ${inSeconds(seconds)}`)}</title></rect>`;
      x += width;
      return rect;
    });
    const middle = y + ROW / 2 + 4;
    return `<text x="${NAMES - 10}" y="${middle}" text-anchor="end">${text(bar.label)}</text>${drawn.join('')}<text class="value" x="${(x + 8).toFixed(1)}" y="${middle}">${text(inSeconds(total(bar)))}</text>`;
  });
  const legend =
    parts.length < 2
      ? ''
      : `<ul class="legend">${parts.map((part, index) => `<li class="part-${index}">${text(part)}</li>`).join('')}</ul>`;
  return `<figure><figcaption>${text(title)}</figcaption><div class="wide"><svg role="img" aria-label="${text(title)}" viewBox="0 0 ${WIDTH} ${bars.length * ROW}">${rows.join('')}</svg></div>${legend}</figure>`;
}

const line = (inlines: readonly Inline[]): string =>
  inlines.map((inline) => (typeof inline === 'string' ? text(inline) : `<code>${text(inline.code)}</code>`)).join('');

const text = (value: string): string =>
  harmless(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
