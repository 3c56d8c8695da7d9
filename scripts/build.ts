// Builds dist/, the content of the package: compiled JavaScript with types, and every file beside the sources that is not TypeScript.

import { chmodSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePages } from './pages.ts';
import { main, root, run, SetupError } from './process.ts';

const sources = ['cli', 'shared', 'coordinator', 'agent'] as const;
const dist = join(root, 'dist');

await main(async () => {
  rmSync(dist, { recursive: true, force: true });
  const compiled = await run(join(root, 'node_modules', '.bin', 'tsc'), ['--project', 'scripts/tsconfig.build.json']);
  if (compiled !== 0) throw new SetupError('the sources do not compile. Fix: mend what tsc reports above.');
  for (const source of sources) {
    cpSync(join(root, source), join(dist, source), {
      recursive: true,
      filter: (path) => !/\.tsx?$|__pycache__|\.pyc$|web\/browser(\/|$)/.test(path),
    });
  }
  await writePages(join(dist, 'coordinator', 'web', 'built'));
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    type: string;
    bin: { shardline: string };
  };
  // The sources in cli/ look for package.json one folder up, in dist as in the repository.
  const { name, version, type } = manifest;
  writeFileSync(join(dist, 'package.json'), `${JSON.stringify({ name, version, type }, null, 2)}\n`);
  const bin = join(root, manifest.bin.shardline);
  if (!readFileSync(bin, 'utf8').startsWith('#!/usr/bin/env node')) {
    throw new SetupError(`${manifest.bin.shardline} has no #! line. Fix: begin cli/shardline.ts with #!/usr/bin/env node.`);
  }
  chmodSync(bin, 0o755);
  return 0;
});
