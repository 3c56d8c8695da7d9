// Runs shardline's proof on small suites, each collected by a real pytest.

import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { testPython } from '../support/python.ts';
import { makeSuite } from './suite.ts';

const driver = fileURLToPath(new URL('../support/prove.py', import.meta.url));
const library = fileURLToPath(new URL('../../shared/pytest/plugin/lib', import.meta.url));

export interface ToProve {
  readonly files: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly declared?: readonly string[];
  /** Runs the tests too, instead of collecting only. */
  readonly runs?: boolean;
}

export interface Proof {
  /** One sentence for each hook that is not proven. */
  readonly problems: readonly string[];
  readonly ids: readonly string[];
  readonly collectors: string | null;
  readonly options: string | null;
  readonly order: string | null;
  /** The changes that imports of test files make for other files. */
  readonly imports: readonly string[];
  /** The number of files that plain pytest refuses because of their names. */
  readonly refused: number;
  readonly key: string;
  /** pytest's exit code. */
  readonly status: number;
  readonly digests: Readonly<Record<string, string>>;
  /** The same after the tests ran. */
  readonly afterRun: readonly string[];
}

/** The proof of each suite, in the order given. */
export async function prove(
  suites: readonly ToProve[],
  python = testPython(),
  env: Readonly<Record<string, string>> = {},
): Promise<readonly Proof[]> {
  await using made = new AsyncDisposableStack();
  const requests: string[] = [];
  for (const { files, args = [], declared = [], runs = false } of suites) {
    const suite = made.use(await makeSuite({ 'test_a.py': TESTS, 'test_b.py': TESTS, ...files }));
    requests.push(JSON.stringify({ directory: suite.path, args, declared, runs }));
  }
  const { stdout } = await execa(python, [driver, library], { input: requests.join('\n'), env: { PYTHONDONTWRITEBYTECODE: '1', ...env } });
  return stdout.split('\n').map((line) => JSON.parse(line) as Proof);
}

const TESTS = `import pytest
@pytest.mark.slow
def test_slow(): pass
def test_quick(): pass
@pytest.mark.parametrize("n", [1, 2])
def test_n(n): pass
`;
