// The command in a message that reproduces what pytest did under shardline.

import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * Returns `pytest ARGS` of this interpreter's environment as argv. It never returns `python -m pytest`, which adds the current directory to
 * `sys.path`: shardline does not, so that command could pass where the run failed.
 */
export function pytestCommand(python: string, args: readonly string[]): readonly string[] {
  const beside = join(dirname(python), 'pytest');
  return [basename(python) !== python && existsSync(beside) ? beside : 'pytest', ...args];
}
