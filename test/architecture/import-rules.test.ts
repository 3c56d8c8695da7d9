// Checks every file of the product against import-rules.ts: which room may import which, and which package stays behind which adapter.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { bundledHomes, MOST_FILES, packageHomes, rooms, topFolders } from './import-rules.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const product = ['cli', 'shared', 'coordinator', 'agent'] as const;

const ignoredFolders = ['node_modules', 'dist'];

/** Values only: no package, not even Node's, and no I/O. */
const isCore = (path: string): boolean =>
  /^(coordinator|agent)\/core\//.test(path) ||
  /^coordinator\/audit\/core\//.test(path) ||
  /^shared\/(domain\/|text\/|settings\/|[^/]+$)/.test(path);
const impure = /\b(process\.|Date\.now|new Date\(\)|Math\.random|performance\.|console\.|setTimeout|setInterval|crypto\.|fetch\()/;

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

interface Rule {
  readonly says: string;
  /** Whether an import in a file breaks the rule. `target` is the path of the imported file from the root, or the specifier of a package. */
  readonly forbids: (path: string, target: string, found: Import) => boolean;
}

const side = (path: string): string => path.split('/', 1)[0] ?? '';
const isProduct = (path: string): boolean => product.some((name) => name === side(path));
const isRelative = (specifier: string): boolean => specifier.startsWith('.');
const packageOf = (specifier: string): string => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
const homeOf = (name: string): RegExp | undefined => packageHomes[name] ?? bundledHomes[name];

/** The innermost room that contains the path; null if no room does. */
function roomOf(path: string): string | null {
  for (let name = path; ; name = dirname(name)) {
    if (Object.hasOwn(rooms, name)) return name;
    if (name === '.') return null;
  }
}

/** May files in the room of `path` import files in the room of `target`? */
function mayImport(path: string, target: string): boolean {
  const [room, other] = [roomOf(path), roomOf(target)];
  const allowed = room === null ? undefined : rooms[room];
  if (allowed === undefined || other === null) return false;
  return allowed === 'anything' || room === other || allowed.includes(other);
}

const rules: readonly Rule[] = [
  {
    says: 'coordinator and agent never import each other',
    forbids: (path, target) =>
      (side(path) === 'coordinator' && side(target) === 'agent') || (side(path) === 'agent' && side(target) === 'coordinator'),
  },
  {
    says: 'its room does not import that room (import-rules.ts)',
    forbids: (path, target, { specifier }) => isRelative(specifier) && isProduct(target) && !mayImport(path, target),
  },
  {
    says: 'only the command line imports the command line',
    forbids: (path, target, { specifier }) => isRelative(specifier) && side(target) === 'cli' && side(path) !== 'cli',
  },
  {
    says: 'commands are imported by the command line, and by commands of their own side',
    forbids: (path, target) =>
      /^(coordinator|agent)\/commands\//.test(target) && side(path) !== 'cli' && !path.startsWith(`${side(target)}/commands/`),
  },
  {
    says: 'core, and shared values, import no package',
    forbids: (path, _target, { specifier }) => isCore(path) && !isRelative(specifier),
  },
  {
    says: 'a package is imported only where its adapter lives, and only if the published package depends on it',
    forbids: (path, target, { specifier }) =>
      !isRelative(specifier) && !specifier.startsWith('node:') && !(homeOf(packageOf(target))?.test(path) ?? false),
  },
  {
    says: 'a page uses nothing of Node',
    forbids: (path, _target, { specifier }) => path.startsWith('coordinator/web/browser/') && specifier.startsWith('node:'),
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

/** The first cycle of imports, including type-only ones, as paths; null if there is none. */
function circle(files: ReadonlyMap<string, string>): string[] | null {
  const finished = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string[] | null => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (finished.has(path)) return null;
    for (const { specifier } of importsOf(files.get(path) ?? '')) {
      const found = !isRelative(specifier) ? null : visit(targetOf(path, specifier), [...trail, path]);
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

test('only one file asks Redis for the time, because any server of a cluster may answer', () => {
  const asking = [...sources].filter(([path, source]) => path.endsWith('.ts') && /\bredis\.time\(|\.time\(\)\.exists/.test(source));
  expect(asking.map(([path]) => path)).toEqual(['shared/redis/server-clock.ts']);
});

test('every import of the product follows the rules', () => {
  expect([...sources].flatMap(([path, source]) => violations(path, source))).toEqual([]);
});

test('finds a planted import cycle, and none in the product', () => {
  expect(circle(sources)).toBeNull();
  expect(
    circle(
      new Map([
        ['shared/a.ts', "import type { B } from './b.ts';"],
        ['shared/b.ts', "import { a } from './a.ts';"],
      ]),
    ),
  ).not.toBeNull();
});

test('no folder of the product has too many files of its own', () => {
  const files = Map.groupBy(sources.keys(), dirname);
  expect([...files].filter(([, own]) => own.length > MOST_FILES).map(([folder, own]) => `${folder}: ${own.length} files`)).toEqual([]);
});

test('the repository has only the listed top-level folders', () => {
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  const names = folders.map((entry) => entry.name).filter((name) => !ignoredFolders.includes(name));
  expect(names.filter((name) => !topFolders.includes(name))).toEqual([]);
});

test('the packages that the product may import are exactly its dependencies', () => {
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
  ['shared/domain/ids.ts', "import type { Message } from '../wire/events.ts';"],
  ['shared/redis/connect.ts', "import { run } from '../../coordinator/commands/run.ts';"],
  ['shared/wire/parse.ts', "import type { Options } from '../../cli/options.ts';"],
  ['coordinator/commands/run.ts', "import { main } from '../../cli/main.ts';"],
  ['coordinator/run-loop.ts', "import { run } from './commands/run.ts';"],
  ['coordinator/core/plan/plan.ts', "import { z } from 'zod';"],
  ['coordinator/core/plan/plan.ts', "import type { RunState } from '../state/run-state.ts';"],
  ['coordinator/core/state/reduce.ts', "import type { Action } from '../decide/actions.ts';"],
  ['coordinator/core/result/merge.ts', "import { decide } from '../decide/decide.ts';"],
  ['coordinator/core/plan/plan.ts', "import { readPort } from '../../ports.ts';"],
  ['coordinator/core/plan/plan.ts', "import {\n  decodeEvent,\n} from '../../../shared/wire/events.ts';"],
  ['coordinator/core/plan/plan.ts', 'const now = Date.now();'],
  ['coordinator/run-loop.ts', "const { Queue } = await import('bullmq');"],
  ['coordinator/run-loop.ts', "import { openRun } from './redis/run-channel.ts';"],
  ['coordinator/redis/run-channel.ts', "import { readFileLog } from '../record/file-log.ts';"],
  ['coordinator/reporters/files/junit.ts', "import { decide } from '../../core/decide/decide.ts';"],
  ['agent/pytest/engine.ts', "import type { Job } from 'bullmq';"],
  ['agent/agent-loop.ts', "import { streamEngine } from './pytest/stream-engine.ts';"],
  ['agent/pytest/engine.ts', "import { pull } from '../redis/joined-run.ts';"],
  ['agent/agent-loop.ts', "import { testPython } from '../test/support/python.ts';"],
  ['agent/agent-loop.ts', "import { attempt } from './attempt';"],
  ['agent/agent-loop.ts', "import { GenericContainer } from 'testcontainers';"],
  ['agent/agent-loop.ts', "export { attempt } from './attempt.ts';"],
  ['agent/agent-loop.ts', 'export default 1;'],
  ['coordinator/web/browser/app.tsx', "import { reportHtml } from '../report-html.ts';"],
  ['coordinator/web/browser/app.tsx', "import { readFile } from 'node:fs/promises';"],
  ['coordinator/web/report-html.ts', "import { render } from 'preact';"],
  ['coordinator/web/report-html.ts', "import { readModel } from './browser/model.ts';"],
])('in %s the rules refuse: %s', (path, source) => {
  expect(violations(path, source)).not.toEqual([]);
});
