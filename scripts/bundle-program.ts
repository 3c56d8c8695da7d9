// Bundles the compiled program and all packages that it uses into one file, for the Python package.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { build, type Plugin } from 'rolldown';
import { SetupError } from './process.ts';

export interface Bundle {
  readonly code: string;
  /** The licences of the packages in `code`. */
  readonly licences: string;
}

/** Bundles `entry`, a file of the built program in `program`. The bundle is to replace it. Throws SetupError. */
export async function bundleProgram(entry: string, program: string): Promise<Bundle> {
  const { output } = await build({
    input: entry,
    platform: 'node',
    tsconfig: false,
    // Only a clone of the repository loads these: the built program has the bundled pages and the bundled exporter of traces.
    external: [/\/web\/bundle\.js$/, /\/traces\/send-spans\.js$/],
    plugins: [keepPlaces(dirname(entry), program)],
    // One file: a command's code is evaluated when that command is imported.
    output: { format: 'esm', minify: true, codeSplitting: false },
    write: false,
    logLevel: 'silent',
  });
  const [chunk, ...others] = output;
  if (others.length > 0) throw new SetupError(`the program became ${output.length} files instead of one.`);
  return { code: chunk.code, licences: licencesOf(chunk.moduleIds) };
}

/** Files beside the sources, such as Lua scripts, are found from `import.meta.url`, which must be that of the source and not of the bundle. */
const keepPlaces = (bundleFolder: string, program: string): Plugin => ({
  name: 'keep-places',
  transform(code, id) {
    if (!id.startsWith(program + sep) || !code.includes('import.meta.url')) return null;
    const place = relative(bundleFolder, id).split(sep).join('/');
    return code.replaceAll('import.meta.url', `new URL(${JSON.stringify(place)}, import.meta.url).href`);
  },
});

function licencesOf(modules: readonly string[]): string {
  const folders = new Set(modules.flatMap((id) => packageFolderOf(id) ?? []));
  const texts = [...folders].map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, string>;
    const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
    const text = file === undefined ? `Licence: ${license}` : readFileSync(join(folder, file), 'utf8').trim();
    return `${name} ${version}\n\n${text}\n`;
  });
  return texts.sort().join(`\n${'-'.repeat(80)}\n\n`);
}

/** The folder of the package that the module belongs to; null for our own and for generated modules. */
function packageFolderOf(id: string): string | null {
  const path = id.replace(/^\0/, '').replace(/\?.*$/, '');
  if (!path.includes(`${sep}node_modules${sep}`)) return null;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const isTop = /[/\\]node_modules[/\\](@[^/\\]+[/\\])?[^/\\]+$/.test(folder);
    if (isTop && existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) return null;
  }
}
