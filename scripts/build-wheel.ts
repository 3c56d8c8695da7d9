// Builds the Python package: `npm run build:wheel [-- FOLDER]` writes a wheel into FOLDER, by default wheelhouse/.
// The same sources and locked packages give the same bytes.

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { buildProgram } from './build.ts';
import { bundleProgram } from './bundle-program.ts';
import { packageReadme } from './package-readme.ts';
import { capture, main, root, SetupError, say } from './process.ts';
import { prepareWheelTools } from './venv.ts';

/** Resolves with the path of the wheel. Throws SetupError. */
export async function buildWheel(folder: string): Promise<string> {
  const python = prepareWheelTools();
  // Inside the repository, where the bundler finds the packages.
  const staging = mkdtempSync(join(root, '.wheel-'));
  try {
    cpSync(join(root, 'wheel'), staging, { recursive: true, filter: (path) => !/__pycache__|\.pyc$/.test(path) });
    cpSync(join(root, 'LICENSE'), join(staging, 'LICENSE'));
    writeFileSync(join(staging, 'README.md'), packageReadme(readFileSync(join(root, 'README.md'), 'utf8')));
    const program = join(staging, 'shardline', 'program');
    await buildProgram(program);
    const bundle = await bundleProgram(join(program, 'cli', 'main.js'), program);
    writeFileSync(join(staging, 'THIRD-PARTY-LICENSES.txt'), bundle.licences);
    removeBundled(program);
    for (const [name, code] of bundle.files) writeFileSync(join(program, 'cli', name), code);
    const built = capture(python, ['-m', 'hatchling', 'build', '--target', 'wheel', '--directory', 'built'], { cwd: staging });
    const name = built.ok ? readdirSync(join(staging, 'built')).find((each) => each.endsWith('.whl')) : undefined;
    if (name === undefined) throw new SetupError(`hatchling built no wheel:\n${built.output}`);
    cpSync(join(staging, 'built', name), join(folder, name));
    return join(folder, name);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** Leaves the executable, which checks the version of Node.js before it loads the bundle, and what the program reads as a file. */
function removeBundled(program: string): void {
  for (const file of readdirSync(program, { recursive: true, encoding: 'utf8' })) {
    const isRead = file === join('cli', 'shardline.js') || basename(dirname(file)) === 'built';
    if (/\.(js|d\.ts)$/.test(file) && !isRead) rmSync(join(program, file));
  }
}

if (import.meta.main) {
  await main(async () => {
    say(`built ${await buildWheel(resolve(process.argv[2] ?? join(root, 'wheelhouse')))}`);
    return 0;
  });
}
