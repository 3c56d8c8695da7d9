// Which room may import which, type-only imports included. A room is a folder or a file; a path belongs to the longest name that fits.
// A room may always import itself. import-rules.test.ts holds every file to these tables.

/** Rooms that both sides and every floor may use. */
const values = ['shared', 'shared/domain', 'shared/text'];
const plan = 'coordinator/core/plan';
const state = 'coordinator/core/state';
const decide = 'coordinator/core/decide';
const learn = 'coordinator/core/learn';
const result = 'coordinator/core/result';

/** `anything`: the room joins the others. */
export const rooms: Readonly<Record<string, readonly string[] | 'anything'>> = {
  // The executable, arguments, options and dispatch: the only place that knows every command.
  cli: 'anything',

  // What coordinator and agent have in common.
  shared: [],
  'shared/text': ['shared'],
  'shared/domain': ['shared', 'shared/text'],
  'shared/settings': values,
  'shared/wire': values,
  'shared/system': [...values, 'shared/settings', 'shared/wire'],
  'shared/redis': [...values, 'shared/settings', 'shared/wire', 'shared/system'],
  'shared/pytest': [...values, 'shared/wire', 'shared/system'],

  // The coordinator's core: values in, values out.
  [plan]: values,
  [state]: [...values, plan],
  [decide]: [...values, plan, state],
  [learn]: [...values, plan, state],
  [result]: [...values, plan, state],

  // The run loop, what it waits for, and the ports that it acts through.
  coordinator: [...values, 'shared/wire', plan, state, decide, learn, result],
  'coordinator/local-agents.ts': [...values, 'shared/system', 'coordinator'],

  // Adapters, which never import each other.
  'coordinator/redis': [...values, 'shared/settings', 'shared/wire', 'shared/system', 'shared/redis', 'coordinator', state],
  'coordinator/discovery': [...values, 'shared/wire', 'shared/system', 'shared/pytest', 'coordinator', plan, state],
  'coordinator/record': [...values, 'shared/wire', 'shared/system', 'coordinator', plan, state, result],

  // What people and machines read.
  'coordinator/reporters': [
    ...values,
    'shared/settings',
    'shared/wire',
    'shared/system',
    'coordinator',
    plan,
    state,
    result,
    'coordinator/web',
  ],
  'coordinator/web': [
    ...values,
    'shared/wire',
    'shared/system',
    'coordinator',
    state,
    result,
    'coordinator/web/page-data.ts',
    'coordinator/web/live-messages.ts',
    'coordinator/web/audit-data.ts',
  ],
  'coordinator/web/browser': [
    ...values,
    'coordinator/web/page-data.ts',
    'coordinator/web/live-messages.ts',
    'coordinator/web/audit-data.ts',
  ],
  'coordinator/web/page-data.ts': values,
  'coordinator/web/live-messages.ts': [...values, 'coordinator/web/page-data.ts'],
  'coordinator/web/audit-data.ts': [],

  'coordinator/audit': [
    ...values,
    'shared/settings',
    'shared/wire',
    'shared/system',
    'shared/pytest',
    plan,
    result,
    'coordinator/audit/core',
    'coordinator/record',
    'coordinator/reporters',
    'coordinator/web',
    'coordinator/web/audit-data.ts',
  ],
  'coordinator/audit/core': [...values, plan, state, result],
  'coordinator/commands': 'anything',

  'agent/core': values,
  agent: [...values, 'shared/wire', 'shared/system', 'agent/core'],
  'agent/redis': [...values, 'shared/wire', 'shared/system', 'shared/redis', 'agent', 'agent/core'],
  'agent/pytest': [...values, 'shared/wire', 'shared/system', 'shared/pytest', 'agent', 'agent/core'],
  'agent/commands': 'anything',
};

/** Package → where it may be imported. */
export const packageHomes: Readonly<Record<string, RegExp>> = {
  bullmq: /\/redis\//,
  ioredis: /\/redis\//,
  execa:
    /^(shared\/(system|redis|pytest)\/|coordinator\/(audit|discovery|redis)\/|coordinator\/local-agents\.ts$|agent\/(pytest|commands)\/)/,
  picomatch: /^coordinator\/commands\//,
  pino: /^shared\/system\//,
  zod: /^((shared\/(wire|pytest)|cli|agent\/pytest)\/|coordinator\/record\/journal-codec\.ts$)/,
  commander: /^(cli|coordinator\/commands|agent\/commands)\//,
  leven: /^cli\//,
  'smol-toml': /^cli\//,
  'log-update': /^coordinator\/reporters\/progress\/screen-redraw\.ts$/,
  'cli-truncate': /^coordinator\/reporters\/(progress\/screen|files\/timeline-text)\.ts$/,
  'string-width': /^coordinator\/reporters\/(progress\/(screen-redraw|screen)|text\/fit)\.ts$/,
  saxes: /^coordinator\/record\/xml-tags\.ts$/,
};

/** What is bundled into the pages, and the bundler: the published package holds what came of them and does not depend on them. */
export const bundledHomes: Readonly<Record<string, RegExp>> = {
  preact: /^coordinator\/web\/browser\//,
  '@tanstack/virtual-core': /^coordinator\/web\/browser\//,
  'd3-scale': /^coordinator\/web\/browser\//,
  'd3-selection': /^coordinator\/web\/browser\//,
  'd3-zoom': /^coordinator\/web\/browser\//,
  rolldown: /^coordinator\/web\/bundle\.ts$/,
};

/** Only these folders at the top, besides what starts with a dot and what git ignores. */
export const topFolders = ['agent', 'bench', 'cli', 'coordinator', 'docker', 'docs', 'examples', 'scripts', 'shared', 'test'];

/** So many files of its own at most, in any folder of the product. */
export const MOST_FILES = 20;
