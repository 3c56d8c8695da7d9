// Bundles the compiled program and all packages that it uses into few files, for the Python package.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { build, type Plugin } from 'rolldown';

export interface Bundle {
  /** By name. One has the name of the entry; it imports the others. */
  readonly files: ReadonlyMap<string, string>;
  /** The licences of the packages in them. */
  readonly licences: string;
}

/** Bundles `entry`, a file of the built program in `program`. The files are to replace it, in its folder. */
export async function bundleProgram(entry: string, program: string): Promise<Bundle> {
  const { output } = await build({
    input: entry,
    platform: 'node',
    tsconfig: false,
    // Only a clone of the repository loads these: the built program has the bundled pages and the bundled exporter of traces.
    external: [/\/web\/bundle\.js$/, /\/traces\/send-spans\.js$/],
    plugins: [keepPlaces(dirname(entry), program)],
    // A file for what is imported later, so that a command reads only its own code and the parts of Node.js that it uses: in one file, an
    // import of node:http at its top made each start slower by 30 ms (measured).
    output: { format: 'esm', minify: true, entryFileNames: '[name].js', chunkFileNames: 'part-[name]-[hash].js' },
    write: false,
    logLevel: 'silent',
  });
  const chunks = output.filter((file) => file.type === 'chunk');
  return {
    files: new Map(chunks.map(({ fileName, code }) => [fileName, code])),
    licences: licencesOf(chunks.flatMap(({ moduleIds }) => moduleIds)),
  };
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
