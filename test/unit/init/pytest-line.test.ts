// How `shardline init` turns the line that ran pytest into one that runs shardline.

import { expect, test } from 'vitest';
import { readPytestLine, shardlineLine } from '../../../coordinator/init/pytest-line.ts';

const turned = (line: string): string | null => {
  const read = readPytestLine(line);
  return read === null ? null : shardlineLine(read, 'ci', ['--out', 'out']);
};

test.each([
  ['pytest', 'shardline ci --out out'],
  ['pytest tests/ -m "not slow"', 'shardline ci tests/ --out out -- -m "not slow"'],
  ['python -m pytest -n auto --dist loadscope tests', 'shardline ci tests -n auto --out out -- --dist loadscope'],
  ['python3.12 -m pytest -n4 --junitxml=junit.xml', 'shardline ci -n 4 --junit-xml junit.xml --out out'],
  ['pytest --junitxml report.xml -x --maxfail 3 a b', 'shardline ci a b --junit-xml report.xml -x --out out -- --maxfail 3'],
  [`pytest --splits 4 --group \${{ matrix.group }} tests`, 'shardline ci tests --out out'],
  ['pytest --shard-id=1 --num-shards=3 -k "a or b" --cov=src', 'shardline ci --out out -- -k "a or b" --cov=src'],
  ['pytest --store-durations tests', 'shardline ci tests --out out'],
  ['uv run pytest -q', "uv run --with 'shardline[all]' shardline ci --out out -- -q"],
  ['poetry run pytest tests', 'poetry run shardline ci tests --out out'],
  ['pytest tests 2> errors.txt && echo done', 'shardline ci tests --out out'],
  ['pytest tests | tee log.txt', 'shardline ci tests --out out'],
])('%s', (line, expected) => {
  expect(turned(line)).toBe(expected);
});

test.each(['pip install pytest', 'tox -e py312', 'echo pytest', 'python -m unittest', '# pytest tests', ''])(
  'is no line that runs pytest: %s',
  (line) => {
    expect(readPytestLine(line)).toBe(null);
  },
);
