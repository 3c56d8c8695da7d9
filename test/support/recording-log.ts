// A log that keeps its lines.

import type { EventLog } from '../../shared/system/event-log.ts';

export type LoggedLine = readonly [level: string, phrase: string, fields: object];

export function recordingLog(): { readonly log: EventLog; readonly lines: LoggedLine[] } {
  const lines: LoggedLine[] = [];
  const at = (level: string) => (fields: object, phrase: string) => void lines.push([level, phrase, fields]);
  return { log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, lines };
}
