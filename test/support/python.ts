// The interpreters that tests run pytest with.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { prepareEnvironment } from '../../scripts/venv.ts';

/** The repository's own virtual environment, made by `npm test`, unless SHARDLINE_TEST_PYTHON names another interpreter. */
export function testPython(): string {
  return process.env.SHARDLINE_TEST_PYTHON ?? fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));
}

/** The environment of test/environments/NAME.txt; made here where `npm test` has not. Throws SetupError. */
export const environmentPython = (name: 'plugins' | 'oracle' | 'pytest-8' | 'pytest-7'): string => prepareEnvironment(name);

/** The n of that Python 3.n which environments are made with. */
export const pythonMinor = (): number =>
  Number(execFileSync(testPython(), ['-c', 'import sys; print(sys.version_info[1])'], { encoding: 'utf8' }));
