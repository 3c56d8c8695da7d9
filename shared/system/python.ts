// Which interpreter runs pytest when none was named.

import { join } from 'node:path';

/** The active environment's (`VIRTUAL_ENV`, `CONDA_PREFIX`), else whatever `python3` is on PATH. */
export function defaultPython(env: Readonly<Record<string, string | undefined>>): string {
  const active = env.VIRTUAL_ENV || env.CONDA_PREFIX;
  return active === undefined || active === '' ? 'python3' : join(active, 'bin', 'python');
}
