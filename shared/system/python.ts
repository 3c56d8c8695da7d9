// The default interpreter for pytest.

import { join } from 'node:path';

/** The interpreter of the active environment (`VIRTUAL_ENV`, `CONDA_PREFIX`), or else `python3` on PATH. */
export function defaultPython(env: Readonly<Record<string, string | undefined>>): string {
  const active = env.VIRTUAL_ENV || env.CONDA_PREFIX;
  return active === undefined || active === '' ? 'python3' : join(active, 'bin', 'python');
}
