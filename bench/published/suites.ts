// The suites of the published comparison, as data: what each one shows, and how it is written or found.

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mulberry32 } from '../../examples/generate.ts';
import { type BenchSuite, realSuite, selectedSuite, trivialSuite } from '../suites.ts';

export interface PublishedSuite {
  readonly name: string;
  readonly title: string;
  /** Writes the suite to `directory`, or finds it in the environment of `python`. */
  readonly make: (directory: string, size: Size, python: string) => Promise<BenchSuite>;
  /** True if the whole workspace belongs to the bench, which may then delete all bytecode in it. */
  readonly isGenerated: boolean;
  /** True if one test fails, and writes the time of its failure to FAILED_AT. */
  readonly hasFailure?: boolean;
  /** Which part of `Size` the suite depends on. */
  readonly sizedBy?: keyof Size;
}

export interface Size {
  readonly tests: number;
  /** Of the times of examples/: at 1 its files take 324 s one after another. */
  readonly scale: number;
}

export const FULL_SIZE: Size = { tests: 20_000, scale: 0.2 };
/** Relative to the workspace. */
export const FAILED_AT = 'failed-at';

const real = (name: string, title: string, suite = name): PublishedSuite => ({
  name,
  title,
  isGenerated: false,
  make: (_directory, _size, python) => realSuite(suite, python),
});
const generated = (name: string, title: string, files: (size: Size) => Files): PublishedSuite => ({
  name,
  title,
  isGenerated: true,
  make: async (directory, size) => writeFiles(directory, files(size)),
});

export const publishedSuites: readonly PublishedSuite[] = [
  { name: 'trivial', title: 'one file with one empty test', isGenerated: true, make: trivialSuite },
  { ...generated('tiny', 'empty tests, 100 in each file', tinyTests), sizedBy: 'tests' },
  {
    name: 'collection',
    title: '81 files with two fifths of their time in collection',
    isGenerated: true,
    sizedBy: 'scale',
    make: (directory, { scale }) => selectedSuite(directory, 140, scale),
  },
  generated('imports', '40 files that import pandas, sympy, networkx, scikit-learn or xarray', importHeavy),
  generated('fixtures', '60 files, each with a module fixture of 0.15 s CPU time, and 20 tests that each set up 3 fixtures', fixtureHeavy),
  generated('waiting', '400 tests that each sleep for 60 ms', waiting),
  generated('skewed', '61 files of log-normal sleeps; one file has 40 % of the work', skewed),
  {
    name: 'example',
    title: 'the 81 files of examples/, a quarter of their time in collection',
    isGenerated: true,
    sizedBy: 'scale',
    make: (directory, { scale }) => selectedSuite(directory, 75, scale),
  },
  { ...generated('failing', '400 tests that each sleep for 60 ms; one in the middle fails', failing), hasFailure: true },
  real('networkx', 'networkx/algorithms'),
  real('pandas', 'pandas/tests/frame/methods', 'pandas-methods'),
  real('sympy', 'sympy/core and sympy/printing'),
  real('numpy', 'numpy/lib/tests, numpy/ma and numpy/linalg'),
];

/** Text by path. */
type Files = Readonly<Record<string, string>>;

async function writeFiles(directory: string, files: Files): Promise<BenchSuite> {
  for (const [path, text] of Object.entries({ 'pytest.ini': '[pytest]\n', ...files })) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
  return { workspace: directory, paths: ['tests'], options: [] };
}

function filesOf(count: number, text: (index: number) => string): Files {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`tests/test_${String(index).padStart(3, '0')}.py`, text(index)]));
}

function tinyTests({ tests }: Size): Files {
  const inFile = (index: number): number => Math.min(100, tests - index * 100);
  return filesOf(Math.ceil(tests / 100), (index) =>
    Array.from({ length: inFile(index) }, (_, test) => `def test_${test}(): pass\n`).join(''),
  );
}

function importHeavy(): Files {
  const packages = ['pandas', 'sympy', 'networkx', 'sklearn.linear_model', 'xarray'];
  return filesOf(40, (index) => {
    const name = packages[index % packages.length] ?? 'pandas';
    return `import ${name} as imported\n\n${[0, 1, 2, 3, 4].map((test) => `def test_${test}():\n    assert imported.__name__\n`).join('\n')}`;
  });
}

const WORK = 'import time\n\ndef compute(seconds):\n    end = time.process_time() + seconds\n    while time.process_time() < end: pass\n';

function fixtureHeavy(): Files {
  const head = `import pytest
from work import compute

@pytest.fixture(scope="module")
def shared():
    compute(0.15)
    return [1]

@pytest.fixture
def first(shared): return shared + [2]

@pytest.fixture
def second(first):
    compute(0.002)
    yield first + [3]

@pytest.fixture
def third(second, tmp_path): return second + [tmp_path]
`;
  const tests = Array.from({ length: 20 }, (_, test) => `\ndef test_${test}(third):\n    assert len(third) == 4\n`).join('');
  return { 'work.py': WORK, 'conftest.py': '', ...filesOf(60, () => head + tests) };
}

function waiting(): Files {
  return filesOf(40, () => sleepingTests(Array.from({ length: 10 }, () => 0.06)));
}

function failing(): Files {
  const red = `
def test_fails():
    import pathlib
    pathlib.Path("${FAILED_AT}").write_text(repr(time.time()))
    assert False
`;
  return filesOf(40, (index) => sleepingTests(Array.from({ length: 10 }, () => 0.06)) + (index === 20 ? red : ''));
}

/** 40 s of sleep: 16 s in one file of 80 tests, and 24 s in 60 files of 5 tests whose times are log-normal with a sigma of 1. */
function skewed(): Files {
  const random = mulberry32(11);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const weights = Array.from({ length: 300 }, () => Math.exp(normal()));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const seconds = weights.map((weight) => (weight / total) * 24);
  return {
    ...filesOf(60, (index) => sleepingTests(seconds.slice(index * 5, index * 5 + 5))),
    'tests/test_giant.py': sleepingTests(Array.from({ length: 80 }, () => 0.2)),
  };
}

function sleepingTests(seconds: readonly number[]): string {
  return `import time\n${seconds.map((each, test) => `\ndef test_${test}():\n    time.sleep(${each.toFixed(4)})\n`).join('')}`;
}
