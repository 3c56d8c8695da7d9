// Output that an agent's pytest has shown besides results and that the agent has not sent yet. All processes repeat the warnings of shared
// imports, so the largest count is kept.

import { nodeId, testFile } from '../../shared/domain/ids.ts';
import type { CountedWarning, Shown } from '../../shared/domain/shown.ts';
import type { ShownMessage } from './codec.ts';

export interface ShownLog {
  receive(message: ShownMessage): void;
  /** The new output since the last call; null when there is none. */
  take(): Shown | null;
}

type Mutable = { -readonly [Name in keyof Shown]: Shown[Name] };

export function createShownLog(): ShownLog {
  const warnings = new Map<string, number>();
  const deselected = new Map<string, number>();
  const fresh = { warnings: new Map<string, Shown['warnings'][number]>(), deselected: new Map<string, number>() };
  let header: Mutable['header'] = null;
  let sections: Shown['sections'] = [];

  return {
    receive(message) {
      switch (message.what) {
        case 'header':
          header = { lines: message.lines, asked: message.asked };
          break;
        case 'section':
          sections = [...sections, { title: message.title, text: message.text }];
          break;
        case 'warning': {
          const { nodeid, warning } = message;
          const key = keyOf(nodeid, warning);
          if (warning.count <= (warnings.get(key) ?? 0)) break;
          warnings.set(key, warning.count);
          fresh.warnings.set(key, { nodeid: nodeid === null ? null : nodeId(nodeid), warning });
          break;
        }
        case 'deselected':
          for (const [file, count] of Object.entries(message.counts)) {
            if (count <= (deselected.get(file) ?? 0)) continue;
            deselected.set(file, count);
            fresh.deselected.set(file, count);
          }
          break;
      }
    },
    take() {
      const shown: Shown = {
        header,
        sections,
        warnings: [...fresh.warnings.values()],
        deselected: [...fresh.deselected].map(([file, count]) => ({ file: testFile(file), count })),
      };
      header = null;
      sections = [];
      fresh.warnings.clear();
      fresh.deselected.clear();
      const isEmpty = shown.header === null && shown.sections.length + shown.warnings.length + shown.deselected.length === 0;
      return isEmpty ? null : shown;
    },
  };
}

const keyOf = (nodeid: string | null, { category, message, file, line }: CountedWarning): string =>
  JSON.stringify([nodeid, category, message, file, line]);
