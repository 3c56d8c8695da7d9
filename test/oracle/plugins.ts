// The plugins of test/environments/oracle.txt, and the arguments that give a suite only those it asks for.

/** Package → the names under which pytest loads it automatically. pytest-metadata, which others need, does nothing alone. */
const NAMES = {
  'allure-pytest': ['allure_pytest'],
  'pytest-bdd': ['pytest-bdd'],
  'pytest-benchmark': ['benchmark'],
  'pytest-dependency': ['dependency'],
  'pytest-forked': ['pytest_forked'],
  'pytest-html': ['html', 'html_fixtures'],
  'pytest-json-report': ['pytest_jsonreport'],
  'pytest-mypy': ['mypy'],
  'pytest-order': ['pytest_order'],
  'pytest-randomly': ['randomly'],
  'pytest-testmon': ['pytest-testmon'],
} as const;

export type Plugin = keyof typeof NAMES;

export const plugins = Object.keys(NAMES) as [Plugin, ...Plugin[]];

/** The arguments that disable all other plugins. A suite without plugins needs none, because its environment has no plugins. */
export const pluginArgs = (wanted: readonly Plugin[]): string[] =>
  wanted.length === 0
    ? []
    : plugins.filter((plugin) => !wanted.includes(plugin)).flatMap((plugin) => NAMES[plugin].flatMap((name) => ['-p', `no:${name}`]));
