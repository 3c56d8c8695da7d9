// The interpreter that tests run pytest with.

import { fileURLToPath } from 'node:url';

/** The repository's own virtual environment, made by `npm test`, unless SHARDLINE_TEST_PYTHON names another interpreter. */
export function testPython(): string {
  return process.env.SHARDLINE_TEST_PYTHON ?? fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));
}
