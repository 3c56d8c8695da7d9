// Formats the commands to run and the CI configuration for one suite, with its own numbers.

import { shellWord } from '../../../shared/text/shell-quote.ts';
import { inSeconds } from '../../reporters/summary/profile-text.ts';
import type { Block } from '../../web/audit-data.ts';
import type { Audit } from '../core/audit.ts';
import { enoughWords, inMegabytes } from './advice.ts';
import { code, heading, words } from './blocks.ts';

/** The commands to run, with the numbers of this suite. */
export function commandBlocks(audit: Audit): readonly Block[] {
  const { prediction, memory, what, pytestArgs } = audit;
  const own = memory !== null && !memory.doAllFit ? [`-n ${memory.fitting}`] : [];
  const limit = memory === null || memory.limitBytes === null ? [] : [`--max-worker-memory ${inMegabytes(memory.limitBytes)}`];
  const rest = pytestArgs.length === 0 ? [] : ['--', ...pytestArgs.map(shellWord)];
  const paths = what.map(shellWord);
  const run = (...more: string[]): string => ['shardline run', ...paths, ...more, ...limit, ...rest].join(' ');
  const agents = prediction === null ? 1 : (prediction.knee ?? prediction.rows.at(-1)?.agents ?? 1);
  const expected = prediction?.rows.find((row) => row.agents === agents)?.seconds ?? null;
  const blocks: Block[] = [
    heading('Commands'),
    words('On one machine, here or in one CI job (cache ', code('.shardline/timings.json'), ' between jobs):'),
    { kind: 'code', language: 'sh', text: run('--junit-xml junit.xml', ...own) },
  ];
  if (agents === 1 || expected === null) {
    blocks.push(words(`By the prediction above, ${enoughWords(1)}. In GitHub Actions:`), {
      kind: 'code',
      language: 'yaml',
      text: oneJob(run('--junit-xml junit.xml', ...own)),
    });
    return blocks;
  }
  const target = `--targets 'time<${Math.ceil(expected * SLACK)}s'`;
  blocks.push(
    words(
      `On ${agents} machines with a Redis that all of them reach: one starts the run, the others are agents. The prediction is ${inSeconds(expected)}; the target allows 50 % more.`,
    ),
    {
      kind: 'code',
      language: 'sh',
      text: [
        'export SHARDLINE_REDIS_URL=redis://redis.example:6379 SHARDLINE_POOL=build-$BUILD_NUMBER',
        run('--agents 1', '--junit-xml junit.xml', ...own, target),
        `${['shardline agent --max-idle 2m', ...own].join(' ')}  # on the other${agents === 2 ? '' : ` ${agents - 1}`}`,
      ].join('\n'),
    },
    words('In GitHub Actions (add the steps that install your project):'),
    { kind: 'code', language: 'yaml', text: manyJobs(agents, run('--agents 1', '--junit-xml junit.xml', ...own, target), own) },
    words(
      'Keep the old job until both have agreed for some days, then remove it. To go back, run the old pytest line: nothing else has changed.',
    ),
  );
  return blocks;
}

/** A run may take this many times the predicted time before it misses its target. */
const SLACK = 1.5;

/** An expression that GitHub Actions expands. */
const expression = (name: string): string => `\${{ ${name} }}`;

const oneJob = (run: string): string =>
  [
    '      - uses: actions/cache@0057852bfaa89a56745cba8c7296529d2fc39830 # v4.3.0',
    '        with:',
    '          path: .shardline/timings.json',
    `          key: shardline-${expression('github.run_id')}`,
    '          restore-keys: shardline-',
    `      - run: ${yamlText(run)}`,
  ].join('\n');

const manyJobs = (agents: number, run: string, own: readonly string[]): string =>
  [
    '    strategy:',
    '      matrix:',
    `        part: [coordinator, ${Array.from({ length: agents - 1 }, (_, index) => `agent-${index + 1}`).join(', ')}]`,
    '    env:',
    `      SHARDLINE_REDIS_URL: ${expression('secrets.SHARDLINE_REDIS_URL')}`,
    `      SHARDLINE_POOL: ci-${expression('github.run_id')}-${expression('github.run_attempt')}`,
    '    steps:',
    "      - if: matrix.part == 'coordinator'",
    `        run: ${yamlText(run)}`,
    "      - if: matrix.part != 'coordinator'",
    `        run: ${['shardline agent --max-idle 2m', ...own].join(' ')}`,
  ].join('\n');

const yamlText = (text: string): string => (/[:#'"{}[\]&*!|>%@`]/.test(text) ? JSON.stringify(text) : text);
