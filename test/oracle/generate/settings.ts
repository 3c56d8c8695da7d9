// Command lines, ini files and plugins of generated suites.

import { between, chance, type Draft, type Part, sample } from './draft.ts';

type Setting = Part<void>;

const setting = (name: string, weight: number, add: (draft: Draft) => void): Setting => ({ name, weight, add });

const arg = (name: string, weight: number, ...args: string[]): Setting => setting(name, weight, (draft) => void draft.args.push(...args));

const modulesOf = (draft: Draft): string[] => [...draft.files.keys()].filter((path) => /(^|\/)test_m\d+\.py$/.test(path)).sort();

const STOPS = 'what runs beside the failure that stops the run depends on timing';

export const settings: readonly Setting[] = [
  arg('-k', 2, '-k', 'not slow and not odd'),
  arg('-k of one', 1, '-k', 'plain or case'),
  arg('-k of none', 1, '-k', 'nothing_is_called_so'),
  arg('-m', 2, '-m', 'fast or not gpu'),
  arg('strict markers', 1, '--strict-markers'),
  arg('importlib', 2, '--import-mode=importlib'),
  arg('append', 1, '--import-mode=append'),
  arg('errors of warnings', 1, '-W', 'error::FutureWarning'),
  arg('runxfail', 1, '--runxfail'),
  arg('short tracebacks', 1, '--tb=short', '-rA'),
  arg('no capture', 1, '-s'),
  arg('no assert rewriting', 1, '--assert=plain'),
  arg('no warnings plugin', 1, '-p', 'no:warnings'),
  arg('no doctest plugin', 1, '-p', 'no:doctest', '-p', 'no:unittest'),
  arg('xfail_strict', 1, '-o', 'xfail_strict=true'),
  arg('cut conftests', 1, '--confcutdir=.'),
  setting('deselect', 1, (draft) => {
    const [module] = sample(draft, modulesOf(draft), 1);
    if (module !== undefined) draft.args.push('--deselect', module);
  }),
  setting('ignore', 1, (draft) => {
    const [module] = sample(draft, modulesOf(draft), 1);
    if (module !== undefined) draft.args.push(`--ignore=${module}`);
  }),
  setting('ignore-glob', 1, (draft) => void draft.args.push('--ignore-glob=*m1*')),
  setting('targets', 2, (draft) => draft.targets.push(...sample(draft, modulesOf(draft), between(draft, 1, 3)).reverse())),
  setting('folder as target', 1, (draft) => {
    const folders = draft.folders.filter((folder) => folder !== '.');
    draft.targets.push(...sample(draft, folders, 1));
  }),
  setting('a target twice', 1, (draft) => {
    const [module] = sample(draft, modulesOf(draft), 1);
    if (module !== undefined) draft.targets.push(module, module);
    if (chance(draft, 0.5)) draft.args.push('--keep-duplicates');
  }),
  setting('testpaths', 1, (draft) => void draft.ini.set('testpaths', sample(draft, draft.folders, 2).join(' '))),
  setting('names', 1, (draft) => void draft.ini.set('python_functions', 'test_* check_*')),
  setting('python_files', 1, (draft) => void draft.ini.set('python_files', 'test_m*.py conftest.py')),
  setting('stops', 1, (draft) => {
    draft.args.push(draft.random.pick(['-x', '--maxfail=2']));
    draft.differs.push({
      aspects: ['exit', 'ids', 'outcomes', 'counts', 'collect-errors', 'deselected', 'junit', 'files', 'reads', 'warnings', 'cache'],
      in: ['xdist'],
      why: STOPS,
    });
    draft.differs.push({
      aspects: ['ids', 'outcomes', 'counts', 'collect-errors', 'deselected', 'junit', 'files', 'reads', 'warnings', 'cache'],
      in: ['shardline'],
      why: STOPS,
    });
  }),
  setting('no conftest', 1, (draft) => void draft.args.push('--noconftest')),
];

/** Real plugins, with a module that uses each. */
export const plugins: readonly Setting[] = [
  setting('pytest-randomly', 1, (draft) => {
    draft.plugins.add('pytest-randomly');
    draft.args.push(`--randomly-seed=${between(draft, 1, 99)}`);
  }),
  setting('pytest-order', 1, (draft) => {
    draft.plugins.add('pytest-order');
    draft.files.set(
      'test_ordered.py',
      'import pytest\n@pytest.mark.order(-1)\ndef test_last(): pass\n@pytest.mark.order(1)\ndef test_first(): assert 1\ndef test_any(): pass\n',
    );
  }),
  setting('pytest-dependency', 1, (draft) => {
    draft.plugins.add('pytest-dependency');
    draft.files.set(
      'test_a_base.py',
      'import pytest\n@pytest.mark.dependency(scope="session")\ndef test_base(): pass\n@pytest.mark.dependency(scope="session")\ndef test_bad(): assert 0\n',
    );
    draft.files.set(
      'test_b_needs.py',
      'import pytest, time\n@pytest.mark.dependency(depends=["test_a_base.py::test_base"], scope="session")\ndef test_needs(): time.sleep(0.2)\n@pytest.mark.dependency(depends=["test_a_base.py::test_bad"], scope="session")\ndef test_needs_bad(): pass\n',
    );
    draft.differs.push({
      aspects: ['outcomes', 'counts', 'junit', 'exit'],
      in: ['xdist'],
      why: 'pytest -n sends dependent tests to two workers',
    });
  }),
  setting('pytest-bdd', 1, (draft) => {
    draft.plugins.add('pytest-bdd');
    draft.files.set(
      'cart.feature',
      'Feature: Cart\n  Scenario Outline: Add\n    Given <n> things\n    Then there are 2\n    Examples:\n      | n |\n      | 2 |\n      | 3 |\n',
    );
    draft.files.set(
      'test_bdd.py',
      'from pytest_bdd import given, parsers, scenarios, then\nscenarios("cart.feature")\n@given(parsers.parse("{n:d} things"), target_fixture="things")\ndef things(n): return n\n@then("there are 2")\ndef two(things): assert things == 2\n',
    );
  }),
  setting('pytest-benchmark', 1, (draft) => {
    draft.plugins.add('pytest-benchmark');
    draft.args.push('--benchmark-disable');
    draft.files.set('test_bench.py', 'def test_speed(benchmark): assert benchmark(sum, [1, 2]) == 3\n');
  }),
  setting('pytest-mypy', 1, (draft) => {
    draft.plugins.add('pytest-mypy');
    draft.args.push('--mypy');
    draft.ignore.push('.mypy_cache*/**', '**/.mypy_cache*/**');
  }),
];
