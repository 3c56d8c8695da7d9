// The checks before any test: types, lint and format of the TypeScript and of the Python code.

import { join } from 'node:path';
import { root, run, say } from './process.ts';
import { prepareChecks } from './venv.ts';

const node = (name: string): string => join(root, 'node_modules', '.bin', name);

/** Runs every check and returns the names of those that failed. Throws SetupError. */
export async function runChecks(): Promise<readonly string[]> {
  const bin = prepareChecks();
  const python = (name: string): string => join(bin, name);
  return runSteps([
    ['type check', node('tsc'), ['--noEmit']],
    ['type check of the page', node('tsc'), ['--noEmit', '--project', 'coordinator/web/browser']],
    ['lint and format', node('biome'), ['check', '.']],
    ['type check of the Python code', python('mypy'), []],
    ['lint of the Python code', python('ruff'), ['check', '.']],
    ['format of the Python code', python('ruff'), ['format', '--check', '.']],
  ]);
}

/** Formats all code and fixes what the linters can fix. Returns the names of the steps that failed. Throws SetupError. */
export async function runFixes(): Promise<readonly string[]> {
  const ruff = join(prepareChecks(), 'ruff');
  return runSteps([
    ['fix and format', node('biome'), ['check', '--write', '.']],
    ['fix of the Python code', ruff, ['check', '--fix', '.']],
    ['format of the Python code', ruff, ['format', '.']],
  ]);
}

async function runSteps(steps: readonly (readonly [name: string, command: string, args: readonly string[]])[]): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const [name, command, args] of steps) {
    say(name);
    if ((await run(command, args)) !== 0) failed.push(name);
  }
  return failed;
}
