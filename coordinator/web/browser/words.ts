// Formats numbers for the page.

/** `340 ms`, `1.25 s`, `12.3 s`, `4 min 05 s`. */
export function duration(ms: number): string {
  if (ms < 0.05) return '0 ms';
  if (ms < 1) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  if (ms < 9_995) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < 99_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${padded(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${padded(Math.floor(seconds / 60) % 60)} min`;
}

/** Formats an instant of the run, at a scale whose steps are `stepMs`: `0:12.250`, `4:05`, `1:04:05`. */
export function instant(ms: number, stepMs: number): string {
  const decimals = stepMs >= 1000 ? 0 : stepMs >= 100 ? 1 : stepMs >= 10 ? 2 : 3;
  const seconds = Math.round((Math.max(0, ms) / 1000) * 10 ** decimals) / 10 ** decimals;
  const rest = (seconds % 60).toFixed(decimals).padStart(decimals === 0 ? 2 : 3 + decimals, '0');
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${padded(minutes % 60)}:${rest}`;
}

const padded = (value: number): string => `${value}`.padStart(2, '0');

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length, Math.floor(Math.log2(count) / 10));
  const value = count / 1024 ** power;
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[power - 1]}`;
}

export const number = (value: number): string => value.toLocaleString('en');
/** `12`, `at least 12`. */
export const least = (value: number, isLeast: boolean): string => `${isLeast ? 'at least ' : ''}${number(value)}`;
export const percent = (share: number): string => `${(share * 100).toFixed(share >= 0.995 || share === 0 ? 0 : 1)} %`;
export const plural = (count: number, noun: string): string => `${number(count)} ${noun}${count === 1 ? '' : 's'}`;
