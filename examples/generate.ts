// Generates examples/selected: 81 test files that stand for the suite shardline was made for, and selected.txt, which lists them.
// That suite takes 324 s one file after another, 75 s of it collection, and a CI limit of 5 minutes killed it. `scale` shrinks its times.
// Usage: node examples/generate.ts [--scale F] [--seed N] [--out DIR]

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const areas = ['accounts', 'billing', 'catalog', 'checkout', 'inventory', 'reports', 'search', 'shipping', 'support'] as const;
const filesPerArea = 9;
const totalSeconds = 324;
/** How much of it is collection, where nobody says. */
const usualCollectionSeconds = 75;

/** `scale` 1 is the suite as it was; the same seed and scale give the same bytes. */
export interface SuiteOptions {
  readonly seed: number;
  readonly scale: number;
  /** How much of its 324 s is collection. */
  readonly collectionSeconds?: number;
}

/** What pytest makes of the whole suite: everything that is neither skipped nor xfailed passes. */
export interface GeneratedSuite {
  readonly files: ReadonlyMap<string, string>;
  readonly selected: readonly string[];
  readonly tests: { readonly passed: number; readonly skipped: number; readonly xfailed: number };
}

interface FilePlan {
  readonly area: string;
  readonly number: number;
  readonly importSeconds: number;
  readonly testSeconds: readonly number[];
}

/** The suite as text, by path relative to its root. */
export function generateSuite({ seed, scale, collectionSeconds = usualCollectionSeconds }: SuiteOptions): GeneratedSuite {
  const random = mulberry32(seed);
  const between = (low: number, high: number): number => low + (high - low) * random();
  const plans = planFiles(between, collectionSeconds * scale, (totalSeconds - collectionSeconds) * scale);
  const files = new Map<string, string>([
    ['pytest.ini', '[pytest]\ntestpaths = tests\nmarkers =\n    serial: must not share the machine with another test\n'],
    ['conftest.py', rootConftest(scale)],
    ['work.py', workModule],
  ]);
  for (const area of areas) {
    files.set(`tests/${area}/__init__.py`, '');
    files.set(`tests/${area}/conftest.py`, areaConftest(area, scale));
  }
  const selected: string[] = [];
  let passed = 0;
  for (const plan of plans) {
    const path = `tests/${plan.area}/test_${plan.area}_${pad(plan.number)}.py`;
    files.set(`tests/${plan.area}/models_${pad(plan.number)}.py`, modelsModule(plan));
    files.set(path, testFile(plan));
    selected.push(path);
    passed += plan.testSeconds.length;
  }
  files.set('selected.txt', `# The 81 test files of this suite, one a line.\n${selected.join('\n')}\n`);
  return { files, selected, tests: { passed: passed - 2, skipped: 1, xfailed: 1 } };
}

/** Writes the suite under `dir`, in place of whatever stood there. */
export async function writeSuite(suite: GeneratedSuite, dir: string): Promise<void> {
  await rm(dir, { recursive: true, force: true });
  for (const [path, text] of suite.files) {
    const target = join(dir, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, text);
  }
}

function planFiles(between: (low: number, high: number) => number, collectionSeconds: number, executionSeconds: number): FilePlan[] {
  const weights = Array.from({ length: areas.length * filesPerArea }, () => ({
    importing: between(0.4, 1.6),
    tests: Array.from({ length: Math.round(between(4, 9)) }, () => -Math.log(1 - between(0.02, 0.98))),
  }));
  const importSum = sum(weights.map((weight) => weight.importing));
  const testSum = sum(weights.flatMap((weight) => weight.tests));
  return weights.map((weight, index) => ({
    area: areas[Math.floor(index / filesPerArea)] ?? areas[0],
    number: index + 1,
    importSeconds: (weight.importing / importSum) * collectionSeconds,
    testSeconds: weight.tests.map((test) => (test / testSum) * executionSeconds),
  }));
}

const workModule = `"""What the tests spend their time on."""
import time


def compute(seconds):
    """Keeps one core busy for so much CPU time."""
    end = time.process_time() + seconds
    rounds = 0
    while time.process_time() < end:
        rounds += 1
    return rounds


def wait(seconds):
    """Waits, as for a service that answers slowly."""
    time.sleep(seconds)
    return seconds
`;

const rootConftest = (scale: number): string => `"""Fixtures of the whole suite."""
import pytest

from work import compute


@pytest.fixture(scope="session")
def database():
    compute(${seconds(0.2 * scale)})
    return {"open": True}


@pytest.fixture
def order(database):
    assert database["open"]
    return {"lines": []}
`;

const areaConftest = (area: string, scale: number): string => `"""Fixtures of ${area}."""
import pytest

from work import wait


@pytest.fixture(scope="package")
def service(database):
    wait(${seconds(0.1 * scale)})
    return {"name": "${area}", "database": database}
`;

const modelsModule = ({ area, importSeconds }: FilePlan): string => `"""Something of ${area} that is slow to import."""
from work import compute, wait

compute(${seconds(importSeconds * 0.8)})
wait(${seconds(importSeconds * 0.2)})
ROWS = list(range(1000))
`;

function testFile(plan: FilePlan): string {
  const head = `import pytest

from work import compute, wait

from .models_${pad(plan.number)} import ROWS


@pytest.fixture(scope="module")
def rows(service):
    return list(ROWS)
`;
  const calls = plan.testSeconds.map((test, index) => `${(plan.number + index) % 2 === 0 ? 'compute' : 'wait'}(${seconds(test)})`);
  return `${head}${body(plan, calls)}`;
}

/** Most files are plain functions; a few show what else real suites have. The first of `calls` is where the peculiarity sits. */
function body(plan: FilePlan, calls: readonly string[]): string {
  const [first = 'wait(0)', ...rest] = calls;
  const plain = rest.map((call, index) => test(`test_rows_${index + 2}`, call)).join('');
  switch (plan.number) {
    case 1:
      return parametrised(plan.testSeconds);
    case 2:
      return `\n\n@pytest.mark.serial${test('test_alone', first, '\n')}${plain}`;
    case 3:
      return `\n\n@pytest.mark.skip(reason="the carrier's sandbox is gone")${test('test_carrier', first, '\n')}${plain}`;
    case 4:
      return `\n\n@pytest.mark.xfail(reason="rounding, known since 2019")\ndef test_rounding(rows):\n    ${first}\n    assert round(2.675, 2) == 2.68\n${plain}`;
    case 5:
      return inClass(calls);
    default:
      return `${test('test_rows_1', first)}${plain}`;
  }
}

const test = (name: string, call: string, before = '\n\n'): string =>
  `${before}def ${name}(rows, order):\n    assert ${call} >= 0\n    assert len(rows) == 1000 and not order["lines"]\n`;

const parametrised = (tests: readonly number[]): string => `

@pytest.mark.parametrize("pause", [${tests.map(seconds).join(', ')}], ids=[${tests.map((_, index) => `"size ${index + 1}"`).join(', ')}])
def test_sizes(rows, pause):
    assert wait(pause) == pause
    assert rows
`;

const inClass = (calls: readonly string[]): string => `

@pytest.fixture(scope="class")
def account(rows):
    return {"rows": len(rows)}


class TestAccount:
${calls.map((call, index) => `${index === 0 ? '' : '\n'}    def test_step_${index + 1}(self, account):\n        assert ${call} >= 0\n        assert account["rows"] == 1000\n`).join('')}`;

const seconds = (value: number): string => value.toFixed(4);
const pad = (value: number): string => String(value).padStart(2, '0');
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** A small seeded generator of numbers in [0, 1): mulberry32, by Tommy Ettinger (public domain). */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { seed: { type: 'string', default: '7' }, scale: { type: 'string', default: '1' }, out: { type: 'string' } },
  });
  const out = values.out ?? fileURLToPath(new URL('selected', import.meta.url));
  const suite = generateSuite({ seed: Number(values.seed), scale: Number(values.scale) });
  await writeSuite(suite, out);
  console.log(`${suite.selected.length} test files in ${out}`);
}
