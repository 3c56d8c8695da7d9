// Keeps the direction of imports: which folder may know of which, and which package stays behind which adapter. The rules are the tables below.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const product = ['shared', 'coordinator', 'agent'] as const;

/** Only these folders at the top, besides what starts with a dot and what git ignores. */
const topFolders = ['agent', 'bench', 'coordinator', 'docker', 'docs', 'examples', 'scripts', 'shared', 'test'];
const ignoredFolders = ['node_modules', 'dist'];

/** Adapters that are one file beside the ports they implement, not a folder. */
const adapterFiles = ['coordinator/local-agents.ts', 'agent/stream-engine.ts'];

/** Package → where it may be imported. */
const packageHomes: Readonly<Record<string, RegExp>> = {
  bullmq: /\/redis\//,
  ioredis: /\/redis\//,
  execa:
    /^(shared\/(system|redis|pytest)\/|coordinator\/(audit|discovery|redis)\/|coordinator\/local-agents\.ts$|agent\/(pytest|commands)\/)/,
  picomatch: /^coordinator\/commands\//,
  pino: /^shared\/system\//,
  zod: /^((shared\/(wire|cli|pytest)|agent\/pytest)\/|coordinator\/report\/journal-codec\.ts$)/,
  commander: /^(shared\/cli|coordinator\/commands|agent\/commands)\//,
  leven: /^shared\/cli\//,
  'smol-toml': /^shared\/cli\//,
  'log-update': /^coordinator\/report\/drawer\.ts$/,
  'cli-truncate': /^coordinator\/report\/screen\.ts$/,
  'string-width': /^coordinator\/report\/(drawer|fit|screen)\.ts$/,
  xmlbuilder2: /^coordinator\/report\//,
};

/** What is bundled into the pages, and the bundler: the published package holds what came of them and does not depend on them. */
const bundledHomes: Readonly<Record<string, RegExp>> = {
  preact: /^coordinator\/report\/page\//,
  '@tanstack/virtual-core': /^coordinator\/report\/page\//,
  'd3-scale': /^coordinator\/report\/page\//,
  'd3-selection': /^coordinator\/report\/page\//,
  'd3-zoom': /^coordinator\/report\/page\//,
  rolldown: /^coordinator\/report\/bundle-page\.ts$/,
};

/** Values only: no package, not even Node's, and no I/O. */
const isCore = (path: string): boolean => /^(coordinator|agent)\/core\//.test(path) || /^shared\/[^/]+$/.test(path);
const impure = /\b(process\.|Date\.now|new Date\(\)|Math\.random|performance\.|console\.|setTimeout|setInterval|crypto\.|fetch\()/;

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

interface Rule {
  readonly says: string;
  /** What breaks the rule: one file with one import, `target` being the imported file's path from the root, or the specifier of a package. */
  readonly forbids: (path: string, target: string, found: Import) => boolean;
}

const side = (path: string): string => path.split('/', 1)[0] ?? '';
const isProduct = (path: string): boolean => product.some((name) => name === side(path));
const isRelative = (specifier: string): boolean => specifier.startsWith('.');
const packageOf = (specifier: string): string => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
const adapterOf = (path: string): string | null => /^(coordinator|agent)\/(redis|audit|discovery|report|pytest)\//.exec(path)?.[0] ?? null;
const homeOf = (name: string): RegExp | undefined => packageHomes[name] ?? bundledHomes[name];
/** What runs in a browser. */
const isPage = (path: string): boolean => path.startsWith('coordinator/web/browser/');
const isCommand = (path: string): boolean => /^(coordinator|agent)\/commands\//.test(path);

const rules: readonly Rule[] = [
  {
    says: 'coordinator and agent never import each other',
    forbids: (path, target) =>
      /^coordinator\//.test(path) !== /^coordinator\//.test(target) && !/^shared\//.test(path) && /^(coordinator|agent)\//.test(target),
  },
  {
    says: 'shared knows of no side, but for the command line, which knows their commands',
    forbids: (path, target) =>
      side(path) === 'shared' && /^(coordinator|agent)\//.test(target) && !(/^shared\/cli\//.test(path) && isCommand(target)),
  },
  {
    says: 'core and the top of shared import values of their own kind only, and the ports as types',
    forbids: (path, target, { specifier, typeOnly }) =>
      isCore(path) && !(isRelative(specifier) && (isCore(target) || (typeOnly && /^(coordinator|agent)\/ports\.ts$/.test(target)))),
  },
  {
    says: 'a package is imported only where its adapter lives, and only if the published package depends on it',
    forbids: (path, target, { specifier }) =>
      !isRelative(specifier) && !specifier.startsWith('node:') && !(homeOf(packageOf(target))?.test(path) ?? false),
  },
  {
    says: 'an adapter is imported by itself and by commands only',
    forbids: (path, target) =>
      (adapterFiles.includes(target) && !isCommand(path) && !adapterFiles.includes(path)) ||
      (adapterOf(target) !== null && adapterOf(target) !== adapterOf(path) && !isCommand(path) && !adapterFiles.includes(path)),
  },
  {
    says: 'a page is imported by itself only, and imports itself, values, and types of what it is given',
    forbids: (path, target, { specifier, typeOnly }) =>
      isRelative(specifier) &&
      isPage(path) !== isPage(target) &&
      (isPage(target) ||
        !(isCore(target) || (typeOnly && ['coordinator/web/page-data.ts', 'coordinator/web/live-messages.ts'].includes(target)))),
  },
  {
    says: 'the product imports nothing of its tests, scripts, benchmarks and examples',
    forbids: (_path, target, { specifier }) => isRelative(specifier) && !isProduct(target) && target !== 'package.json',
  },
  {
    says: 'a relative import names its file with .ts',
    forbids: (_path, target, { specifier }) => isRelative(specifier) && !/\.(tsx?|json)$/.test(target),
  },
];

function importsOf(source: string): Import[] {
  const statements = source.matchAll(/^\s*(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?['"]([^'"]+)['"]/gm);
  const dynamic = source.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g);
  return [
    ...Array.from(statements, ([, type, specifier = '']) => ({ specifier, typeOnly: type !== undefined })),
    ...Array.from(dynamic, ([, specifier = '']) => ({ specifier, typeOnly: false })),
  ];
}

const targetOf = (path: string, specifier: string): string => (isRelative(specifier) ? join(dirname(path), specifier) : specifier);

function violations(path: string, source: string): string[] {
  const found = importsOf(source).flatMap((each) => {
    const target = targetOf(path, each.specifier);
    return rules.filter((rule) => rule.forbids(path, target, each)).map((rule) => `${path} imports ${each.specifier}: ${rule.says}`);
  });
  const code = source.replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, '');
  if (isCore(path) && impure.test(code))
    found.push(`${path} uses ${impure.exec(code)?.[0]}: core has no clock, environment, randomness or I/O`);
  if (/^export default\b/m.test(code)) found.push(`${path} has a default export`);
  if (/^export\s+(type\s+)?(\*|\{[^}]*\})\s+from\b/m.test(code)) found.push(`${path} exports again what another file owns`);
  return found;
}

/** The first circle of imports that are there when the program runs, as paths; null without one. */
function circle(files: ReadonlyMap<string, string>): string[] | null {
  const finished = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string[] | null => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (finished.has(path)) return null;
    for (const { specifier, typeOnly } of importsOf(files.get(path) ?? '')) {
      const found = typeOnly || !isRelative(specifier) ? null : visit(targetOf(path, specifier), [...trail, path]);
      if (found !== null) return found;
    }
    finished.add(path);
    return null;
  };
  for (const path of files.keys()) {
    const found = visit(path, []);
    if (found !== null) return found;
  }
  return null;
}

const sources = new Map(
  product.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.tsx?$/.test(name))
      .map((name) => [`${folder}/${name}`, readFileSync(join(root, folder, name), 'utf8')] as const),
  ),
);

test('every import of the product keeps the rules', () => {
  expect([...sources].flatMap(([path, source]) => violations(path, source))).toEqual([]);
});

test('no file imports itself through others', () => {
  expect(circle(sources)).toBeNull();
  expect(
    circle(
      new Map([
        ['shared/a.ts', "import { b } from './b.ts';"],
        ['shared/b.ts', "import { a } from './a.ts';"],
      ]),
    ),
  ).not.toBeNull();
});

test('the top of the repository has no other folder', () => {
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  const names = folders.map((entry) => entry.name).filter((name) => !ignoredFolders.includes(name));
  expect(names.filter((name) => !topFolders.includes(name))).toEqual([]);
});

test('every package that the product may import is a dependency of it, and the other way round', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
    devDependencies: Record<string, string>;
  };
  expect(Object.keys(packageHomes).sort()).toEqual(Object.keys(manifest.dependencies).sort());
  expect(Object.keys(manifest.devDependencies)).toEqual(expect.arrayContaining(Object.keys(bundledHomes)));
});

test.each([
  ['coordinator/run-loop.ts', "import { serve } from '../agent/agent-loop.ts';"],
  ['agent/commands/agent.ts', "import type { Plan } from '../../coordinator/core/plan/plan.ts';"],
  ['shared/domain/ids.ts', "import { join } from 'node:path';"],
  ['shared/redis/client.ts', "import { run } from '../../coordinator/commands/run.ts';"],
  ['coordinator/core/plan/plan.ts', "import { z } from 'zod';"],
  ['coordinator/core/plan/plan.ts', "import { readPort } from '../ports.ts';"],
  ['coordinator/core/plan/plan.ts', "import {\n  decodeEvent,\n} from '../../shared/wire/event.ts';"],
  ['coordinator/core/plan/plan.ts', 'const now = Date.now();'],
  ['coordinator/run-loop.ts', "const { Queue } = await import('bullmq');"],
  ['coordinator/run-loop.ts', "import { openRun } from './redis/open-run.ts';"],
  ['agent/pytest/engine.ts', "import type { Job } from 'bullmq';"],
  ['agent/agent-loop.ts', "import { streamEngine } from './stream-engine.ts';"],
  ['agent/pytest/engine.ts', "import { pull } from '../redis/pull.ts';"],
  ['agent/agent-loop.ts', "import { testPython } from '../test/support/python.ts';"],
  ['agent/agent-loop.ts', "import { attempt } from './attempt';"],
  ['agent/agent-loop.ts', "import { GenericContainer } from 'testcontainers';"],
  ['agent/agent-loop.ts', "export { attempt } from './attempt.ts';"],
  ['agent/agent-loop.ts', 'export default 1;'],
  ['coordinator/web/browser/app.tsx', "import { reportHtml } from '../report-html.ts';"],
  ['coordinator/web/browser/app.tsx', "import { readFile } from 'node:fs/promises';\nimport { z } from 'zod';"],
  ['coordinator/web/report-html.ts', "import { render } from 'preact';"],
  ['coordinator/web/report-html.ts', "import { readModel } from './page/model.ts';"],
])('the rules refuse, in %s: %s', (path, source) => {
  expect(violations(path, source)).not.toEqual([]);
});
