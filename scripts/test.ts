// `npm test`: type check, lint, and every test; `npm test -- test/unit` for some. Sets up what is missing. The last line has the counts.

import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runChecks } from './checks.ts';
import { main, root, run, say } from './process.ts';
import { prepareRedisServer, serverNames } from './redis-servers.ts';
import { prepareEnvironment, prepareVenv } from './venv.ts';

interface Results {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly { readonly status: string }[] }[];
}

await main(async () => {
  prepareVenv({ withServer: true });
  const asked = process.argv.slice(2);
  if (asked.length === 0 || asked.some((path) => path.includes('plugin'))) {
    for (const name of ['plugins', 'pytest-8', 'pytest-7']) prepareEnvironment(name);
  }
  if (asked.length === 0 || asked.some((path) => path.includes('oracle'))) prepareEnvironment('oracle');
  if (asked.length === 0 || asked.some((path) => /e2e|integration/.test(path))) prepareEnvironment('otlp');
  if (asked.length === 0 || asked.some((path) => /redis|servers/.test(path))) serverNames.forEach(prepareRedisServer);
  const failed = [...(await runChecks())];
  const resultsFile = join(root, '.shardline', 'test', 'results.json');
  mkdirSync(join(root, '.shardline', 'test'), { recursive: true });
  rmSync(resultsFile, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${resultsFile}`];
  say('tests');
  const vitest = join(root, 'node_modules', '.bin', 'vitest');
  if ((await run(vitest, ['run', '--config', 'test/vitest.config.ts', ...reporters, ...asked])) !== 0) failed.push('tests');

  if (failed.length > 0) say(`failed: ${failed.join(', ')}`);
  console.log(countsLine(resultsFile));
  return failed.length === 0 ? 0 : 1;
});

/** `N passed, N failed, N skipped`. A test file that failed without a failed test, such as a broken import, counts as one failure. */
function countsLine(resultsFile: string): string {
  if (!existsSync(resultsFile)) return '0 passed, 1 failed';
  const results = JSON.parse(readFileSync(resultsFile, 'utf8')) as Results;
  const brokenFiles = results.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  return `${results.numPassedTests} passed, ${results.numFailedTests + brokenFiles} failed, ${results.numPendingTests} skipped`;
}
