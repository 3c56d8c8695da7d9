// `npm start`: runs shardline on its main example. It sets up what is missing, generates the suite and runs it with two local agents.

import { rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { generateSuite, writeSuite } from '../examples/generate.ts';
import { main, root, run, say } from './process.ts';
import { prepareVenv } from './venv.ts';

const seed = 7;
// A twentieth of the suite's real times: 16 s if the files run one after another.
const scale = 0.05;

await main(async () => {
  const python = prepareVenv({ withServer: false });
  const suite = generateSuite({ seed, scale });
  const workspace = join(root, 'examples', 'selected');
  await writeSuite(suite, workspace);
  say(`examples/selected: ${suite.selected.length} test files, generated with their times scaled by ${scale}`);

  const out = join(root, '.shardline', 'start');
  rmSync(out, { recursive: true, force: true });
  const args = ['run', '--selected', 'selected.txt', '--agents', '2', '--python', python, '--out', out];
  say(`in examples/selected: shardline ${args.join(' ')}`);
  const startedAt = performance.now();
  const exitCode = await run(process.execPath, [join(root, 'cli', 'shardline.ts'), ...args], { cwd: workspace });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  say(`wall time ${seconds} s, exit code ${exitCode}`);
  say(`open ${relative(root, join(out, 'report.html'))} in a browser to see where the time went`);
  say('next, run it on your own suite. In your project, in the environment that has pytest and pytest-xdist:');
  say(`  ${join(root, 'node_modules', '.bin', 'shardline')} run`);
  return exitCode;
});
