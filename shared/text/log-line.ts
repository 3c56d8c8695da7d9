// One line of the log for people, made from the JSON that programs read.

import { harmless, oneLine } from './safe-text.ts';

const LEVELS: Readonly<Record<number, string>> = { 10: 'TRACE', 20: 'DEBUG', 30: 'INFO ', 40: 'WARN ', 50: 'ERROR', 60: 'FATAL' };

/** `2026-05-04T10:00:00.000Z INFO  agent a1: draining by=SIGTERM seconds=20`. A line that is not the logger's stays as it is. */
export function logLine(json: string): string {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(json) as Record<string, unknown>;
  } catch {
    return json;
  }
  const { level, time, pid: _pid, hostname: _hostname, name, msg, ...rest } = fields;
  const head = `${new Date(Number(time)).toISOString()} ${LEVELS[Number(level)] ?? String(level)} ${oneLine(String(name))}: ${oneLine(String(msg))}`;
  const pairs = Object.entries(rest).map(([key, value]) => `${key}=${valueText(value)}`);
  return `${[head, ...pairs].join(' ')}\n`;
}

/** A value with spaces or other special characters is quoted as JSON, so that a field cannot look like two. */
function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[\w.:/@+-]+$/.test(text) ? text : typeof value === 'string' ? harmless(JSON.stringify(value)) : harmless(text);
}
