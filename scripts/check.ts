// `npm run check`: runs every check, without tests. `npm run format` is the same script with `--fix`, which fixes what the tools can fix.

import { runChecks, runFixes } from './checks.ts';
import { main, say } from './process.ts';

await main(async () => {
  const failed = process.argv.includes('--fix') ? await runFixes() : await runChecks();
  if (failed.length > 0) say(`failed: ${failed.join(', ')}`);
  return failed.length === 0 ? 0 : 1;
});
