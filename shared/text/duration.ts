// Durations as users type them.

const UNIT_SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/** Parses `90s`, `5m`, `1h`, `1m30s`, `500ms` or plain `300` into seconds. Returns null for anything else. */
export function parseDuration(text: string): number | null {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(trimmed)) return null;
  let seconds = 0;
  for (const [, amount = '', , unit = ''] of trimmed.matchAll(/(\d+(\.\d+)?)(ms|s|m|h)/g))
    seconds += Number(amount) * (UNIT_SECONDS[unit] ?? 0);
  return seconds;
}
