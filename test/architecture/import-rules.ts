// Which room may import which, including type-only imports. A room is a folder or a file; a path belongs to the innermost room that contains it.
// A room may always import itself. import-rules.test.ts checks every file against these tables.

/** Rooms that both sides and every floor may use. */
const values = ['shared', 'shared/domain', 'shared/text'];
const plan = 'coordinator/core/plan';
const state = 'coordinator/core/state';
const decide = 'coordinator/core/decide';
const learn = 'coordinator/core/learn';
const result = 'coordinator/core/result';

/** `anything`: the room joins all others. */
export const rooms: Readonly<Record<string, readonly string[] | 'anything'>> = {
  // The executable, arguments, options and dispatch: the only place that knows every command.
  cli: 'anything',

  // Shared by coordinator and agent.
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

  // Detection of CI jobs, identity of a run, retries, cancellation.
  'coordinator/ci': [...values, 'shared/wire', 'shared/system', 'coordinator', result],

  // The run loop, its sources of events, and its ports.
  coordinator: [...values, 'shared/wire', plan, state, decide, learn, result],
  'coordinator/local-agents.ts': [...values, 'shared/system', 'coordinator'],

  // Adapters, which never import each other.
  'coordinator/redis': [...values, 'shared/settings', 'shared/wire', 'shared/system', 'shared/redis', 'coordinator', state],
  'coordinator/discovery': [...values, 'shared/wire', 'shared/system', 'shared/pytest', 'coordinator', plan, state],
  'coordinator/record': [...values, 'shared/wire', 'shared/system', 'coordinator', plan, state, result],

  // Output for people and machines.
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
  // CI workflows, made from what a repository has.
  'coordinator/init': [...values, 'shared/settings', 'shared/system'],

  // What a run needs, checked part by part.
  'coordinator/doctor': [
    ...values,
    'shared/settings',
    'shared/system',
    'shared/redis',
    'shared/pytest',
    'coordinator',
    decide,
    'coordinator/discovery',
    'coordinator/record',
    'coordinator/redis',
    'coordinator/reporters',
  ],
  'coordinator/commands': 'anything',

  'agent/core': values,
  agent: [...values, 'shared/wire', 'shared/system', 'agent/core'],
  'agent/redis': [...values, 'shared/wire', 'shared/system', 'shared/redis', 'agent', 'agent/core'],
  'agent/pytest': [...values, 'shared/wire', 'shared/system', 'shared/pytest', 'agent', 'agent/core'],
  'agent/workspace': [...values, 'shared/system', 'shared/pytest', 'agent', 'agent/core'],
  'agent/commands': 'anything',
};

/** Package → where it may be imported. */
export const packageHomes: Readonly<Record<string, RegExp>> = {
  bullmq: /\/redis\//,
  ioredis: /\/redis\//,
  execa:
    /^(shared\/(system|redis|pytest)\/|coordinator\/(audit|discovery|redis)\/|coordinator\/local-agents\.ts$|agent\/(pytest|workspace|commands)\/)/,
  picomatch: /^coordinator\/commands\//,
  'prom-client': /^(shared\/system\/metrics-server|coordinator\/commands\/fleet\/fleet-metrics|agent\/commands\/agent-metrics)\.ts$/,
  pino: /^shared\/system\//,
  zod: /^((shared\/(wire|pytest)|cli|agent\/(pytest|workspace))\/|coordinator\/record\/record-codec\.ts$)/,
  commander: /^(cli|coordinator\/commands|agent\/commands)\//,
  leven: /^cli\//,
  'smol-toml': /^(cli|coordinator\/init)\//,
  yaml: /^coordinator\/init\//,
  'log-update': /^coordinator\/reporters\/progress\/screen-redraw\.ts$/,
  'cli-truncate': /^coordinator\/reporters\/(progress\/screen|files\/timeline-text)\.ts$/,
  'string-width': /^coordinator\/reporters\/(progress\/(screen-redraw|screen)|text\/fit)\.ts$/,
  'wrap-ansi': /^coordinator\/reporters\/progress\/screen-redraw\.ts$/,
  saxes: /^coordinator\/record\/xml-tags\.ts$/,
};

/** Loaded only by a run that exports its trace. */
const sendSpans = /^coordinator\/reporters\/traces\/send-spans\.ts$/;

/** The packages bundled into the pages or into the exporter of traces, and the bundler. The published package contains the bundles, so it does not depend on these. */
export const bundledHomes: Readonly<Record<string, RegExp>> = {
  preact: /^coordinator\/web\/browser\//,
  '@tanstack/virtual-core': /^coordinator\/web\/browser\//,
  'd3-scale': /^coordinator\/web\/browser\//,
  'd3-selection': /^coordinator\/web\/browser\//,
  'd3-zoom': /^coordinator\/web\/browser\//,
  '@opentelemetry/api': sendSpans,
  '@opentelemetry/core': sendSpans,
  '@opentelemetry/exporter-trace-otlp-proto': sendSpans,
  '@opentelemetry/otlp-exporter-base': sendSpans,
  '@opentelemetry/resources': sendSpans,
  '@opentelemetry/sdk-trace': sendSpans,
  rolldown: /^coordinator\/web\/bundle\.ts$/,
};

/** The only folders at the top, besides those that start with a dot or that git ignores. */
export const topFolders = [
  'action',
  'agent',
  'bench',
  'cli',
  'coordinator',
  'docker',
  'docs',
  'examples',
  'scripts',
  'shared',
  'test',
  'wheel',
];

/** The most files of its own that a folder of the product may have. */
export const MOST_FILES = 20;
