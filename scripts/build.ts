// Builds dist/, the content of the npm package: compiled JavaScript with types, and every file beside the sources that is not TypeScript.

import { chmodSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePages } from './pages.ts';
import { main, root, run, SetupError } from './process.ts';
import { writeTraceExporter } from './trace-exporter.ts';

const sources = ['cli', 'shared', 'coordinator', 'agent'] as const;

/** Replaces what is in `folder` by the built program. Throws SetupError. */
export async function buildProgram(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  const compiled = await run(join(root, 'node_modules', '.bin', 'tsc'), ['--project', 'scripts/tsconfig.build.json', '--outDir', folder]);
  if (compiled !== 0) throw new SetupError('the sources do not compile. Fix: mend what tsc reports above.');
  for (const source of sources) {
    cpSync(join(root, source), join(folder, source), {
      recursive: true,
      filter: (path) => !/\.tsx?$|__pycache__|\.pyc$|web\/(browser|built)(\/|$)/.test(path),
    });
  }
  await writePages(join(folder, 'coordinator', 'web', 'built'));
  await writeTraceExporter(join(folder, 'coordinator', 'reporters', 'traces', 'built'));
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { name: string; version: string; type: string };
  // The sources in cli/ look for package.json one folder up, in the package as in the repository.
  const { name, version, type } = manifest;
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ name, version, type }, null, 2)}\n`);
  const bin = join(folder, 'cli', 'shardline.js');
  if (!readFileSync(bin, 'utf8').startsWith('#!/usr/bin/env node')) {
    throw new SetupError('cli/shardline.ts has no #! line. Fix: begin it with #!/usr/bin/env node.');
  }
  chmodSync(bin, 0o755);
}

if (import.meta.main) {
  await main(async () => {
    await buildProgram(join(root, 'dist'));
    return 0;
  });
}
