// Generates a suite from a seed: the same seed gives the same files on every machine.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createRandom } from '../../chaos/random.ts';
import type { GivenSuite } from '../suite.ts';
import { collectors } from './collectors.ts';
import { addToConftest, between, chance, choose, chooseNew, type Draft, newDraft, sample } from './draft.ts';
import { hooks, rootOnly } from './hooks.ts';
import { MODULE_HEAD, snippets, wholeModules } from './modules.ts';
import { plugins, settings } from './settings.ts';

/** Path → text, including `oracle.json`. */
export type GeneratedSuite = Readonly<Record<string, string>>;

const FOLDERS = ['.', 'tests', 'tests/unit', 'tests/unit/deep', 'other', 'other/tests é'];
const INI_FILES = ['pytest.ini', 'pyproject.toml', 'tox.ini', 'setup.cfg'] as const;

export function generateSuite(seed: number): GeneratedSuite {
  // Spreads neighbouring seeds, so that their suites do not begin alike.
  const draft = newDraft(createRandom(Math.imul(seed, 0x9e3779b1)));
  draft.folders.push(...sample(draft, FOLDERS, between(draft, 1, 3)));
  addModules(draft);
  for (let more = between(draft, 0, 3); more > 0; more -= 1) addHook(draft);
  if (chance(draft, 0.35)) chooseNew(draft, collectors).add(draft);
  if (chance(draft, 0.25)) chooseNew(draft, plugins).add(draft);
  for (let more = between(draft, 0, 2); more > 0; more -= 1) chooseNew(draft, settings).add(draft);
  return laidDown(draft, seed);
}

/** Writes the suite's files into this folder. */
export function writeSuite(folder: string, suite: GeneratedSuite): void {
  for (const [path, text] of Object.entries(suite)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

function addModules(draft: Draft): void {
  const arePackages = chance(draft, 0.3);
  for (const folder of draft.folders) {
    if (arePackages && folder !== '.') for (const path of ancestors(folder)) draft.files.set(`${path}/__init__.py`, '');
    for (let more = between(draft, 1, 3); more > 0; more -= 1) {
      // Without packages, two modules with one name are an error, which should be rare.
      const isSameName = chance(draft, arePackages ? 0.2 : 0.04);
      const path = join(folder, isSameName ? 'test_m0.py' : `test_m${draft.next()}.py`);
      draft.files.set(path, chance(draft, 0.15) ? choose(draft, wholeModules).add(draft) : moduleText(draft));
    }
  }
}

function moduleText(draft: Draft): string {
  const pieces = Array.from({ length: between(draft, 1, 4) }, () => choose(draft, snippets).add(draft));
  return MODULE_HEAD + pieces.join('\n');
}

/** Two hooks with one name in one conftest are legal too: the second definition counts. */
function addHook(draft: Draft): void {
  const hook = chooseNew(draft, hooks);
  const folder = rootOnly.includes(hook.name) || chance(draft, 0.5) ? '.' : draft.random.pick(draft.folders);
  addToConftest(draft, folder, hook.add(draft));
}

function laidDown(draft: Draft, seed: number): GeneratedSuite {
  const files = new Map(draft.files);
  for (const [folder, pieces] of draft.conftests) files.set(join(folder, 'conftest.py'), `import pytest\n\n${pieces.join('\n')}`);
  const [name, text] = iniFile(draft);
  files.set(name, text);
  files.set('oracle.json', `${JSON.stringify(oracleFile(draft, seed), null, 2)}\n`);
  return Object.fromEntries([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function oracleFile(draft: Draft, seed: number): GivenSuite {
  return {
    title: `Seed ${seed}: ${draft.parts.join(', ')}.`,
    steps: [{ targets: draft.targets, args: draft.args }],
    plugins: [...draft.plugins],
    reads: draft.reads,
    ignore: draft.ignore,
    differs: draft.differs,
  };
}

function iniFile(draft: Draft): [string, string] {
  const name = draft.random.pick(INI_FILES);
  const settings = new Map(draft.ini);
  if (draft.markers.size > 0) settings.set('markers', [...draft.markers].map((marker) => `\n    ${marker}: a mark`).join(''));
  if (name === 'pyproject.toml') {
    const lines = [...settings].map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
    return [name, `[tool.pytest.ini_options]\n${lines.join('\n')}\n`];
  }
  const lines = [...settings].map(([key, value]) => `${key} = ${value}`);
  return [name, `[${name === 'setup.cfg' ? 'tool:pytest' : 'pytest'}]\n${lines.join('\n')}\n`];
}

const ancestors = (folder: string): string[] => {
  const parts = folder.split('/');
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
};
