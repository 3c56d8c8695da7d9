// Draws the blocks of an audit. The names of tests are text, never markup.

import { assertNever } from '../../../shared/assert-never.ts';
import type { Block, Inline } from '../audit-data.ts';
import { BarChart } from './bar-chart.tsx';

export function AuditBlock({ block }: { readonly block: Block }) {
  switch (block.kind) {
    case 'heading':
      return block.level === 1 ? <h1>{block.text}</h1> : <h2>{block.text}</h2>;
    case 'words':
      return (
        <p>
          <Line inlines={block.words} />
        </p>
      );
    case 'list':
      return (
        <ul>
          {block.items.map((item) => (
            <li>
              <Line inlines={item} />
            </li>
          ))}
        </ul>
      );
    case 'table':
      return <Table table={block} />;
    case 'bars':
      return <BarChart title={block.title} bars={block.bars} />;
    case 'code':
      return (
        <pre>
          <code>{block.text}</code>
        </pre>
      );
    default:
      return assertNever(block);
  }
}

function Table({ table: { head, rows, wordy } }: { readonly table: Extract<Block, { kind: 'table' }> }) {
  const styleOf = (column: number): string | undefined => (column === 0 || wordy.includes(column) ? undefined : 'number');
  return (
    <div class="wide">
      <table>
        <thead>
          <tr>
            {head.map((name, column) => (
              <th scope="col" class={styleOf(column)}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr>
              {row.map((cell, column) => (
                <td class={styleOf(column)}>
                  <Line inlines={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Line({ inlines }: { readonly inlines: readonly Inline[] }) {
  return <>{inlines.map((inline) => (typeof inline === 'string' ? inline : <code>{inline.code}</code>))}</>;
}
