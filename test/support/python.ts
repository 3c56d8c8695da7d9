// The interpreters with which tests run pytest.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { prepareEnvironment } from '../../scripts/venv.ts';

/** The interpreter of the repository's own virtual environment, which `npm test` makes, unless SHARDLINE_TEST_PYTHON names another one. */
export function testPython(): string {
  return process.env.SHARDLINE_TEST_PYTHON ?? fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));
}

/** The interpreter of the environment in test/environments/NAME.txt. Makes it if `npm test` has not. Throws SetupError. */
export const environmentPython = (name: 'plugins' | 'oracle' | 'otlp' | 'pytest-8' | 'pytest-7'): string => prepareEnvironment(name);

/** The n of the Python 3.n with which environments are made. */
export const pythonMinor = (): number =>
  Number(execFileSync(testPython(), ['-c', 'import sys; print(sys.version_info[1])'], { encoding: 'utf8' }));
