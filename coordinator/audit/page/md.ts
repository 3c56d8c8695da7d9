// Renders `audit.md`: the audit's blocks as Markdown.

import { assertNever } from '../../../shared/assert-never.ts';
import { harmless } from '../../../shared/text/safe-text.ts';
import { codeCell, codeSpan, fenced } from '../../reporters/text/markdown.ts';
import type { Block, Inline } from '../../web/audit-data.ts';

/** Characters with a meaning in Markdown. */
const special = /[\\`*_[\]<>&|#]/g;

export const auditMarkdown = (blocks: readonly Block[]): string => `${blocks.flatMap(draw).join('\n\n')}\n`;

function draw(block: Block): readonly string[] {
  switch (block.kind) {
    case 'heading':
      return [`${'#'.repeat(block.level)} ${plain(block.text)}`];
    case 'words':
      return [line(block.words)];
    case 'list':
      return [block.items.map((item) => `- ${line(item)}`).join('\n')];
    case 'table': {
      const rule = block.head.map((_, index) => (index === 0 || block.wordy.includes(index) ? '---' : '---:'));
      const rows = block.rows.map((row) => row.map((cell) => line(cell, codeCell)));
      return [[block.head.map(plain), rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')];
    }
    case 'bars':
      return [];
    case 'code':
      return [fenced(block.text, block.language)];
    default:
      return assertNever(block);
  }
}

const line = (inlines: readonly Inline[], span = codeSpan): string =>
  inlines.map((inline) => (typeof inline === 'string' ? plain(inline) : span(inline.code))).join('');

const plain = (text: string): string => harmless(text).replaceAll('\n', ' ').replace(special, '\\$&');
