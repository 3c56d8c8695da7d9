// One suite with every way that a test can kill its process, run by two agents.

import { expect, test } from 'vitest';
import { newProject } from '../support/shardline.ts';

/** A test file that kills its process. The message of the blamed test must match `says`. */
interface Probe {
  readonly name: string;
  readonly file: string;
  /** The blamed node id; the file if it cannot be collected; null if plain pytest blames no test either. */
  readonly blamed: string | null;
  readonly says: RegExp;
}

const inTest = (name: string, body: string, says: RegExp): Probe => ({
  name,
  file: `import ctypes, os, signal, sys, threading, time\ndef test_before(): pass\ndef test_probe():\n    ${body.replaceAll('\n', '\n    ')}\ndef test_after(): pass\n`,
  blamed: `probes/test_${name}.py::test_probe`,
  says,
});

const probes: readonly Probe[] = [
  inTest('segv', 'ctypes.string_at(0)', /SIGSEGV/),
  inTest('exit', 'os._exit(9)', /code 9/),
  inTest('exit_zero', 'os._exit(0)', /code 0/),
  inTest('sigkill', 'os.kill(os.getpid(), signal.SIGKILL)', /SIGKILL/),
  inTest('sigterm', 'os.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(60)', /SIGTERM/),
  inTest('abort_in_thread', 'thread = threading.Thread(target=os.abort)\nthread.start()\nthread.join()', /SIGABRT/),
  inTest('stack', 'sys.setrecursionlimit(10**9)\ndef deep(): return [*map(lambda _: deep(), [0])]\ndeep()', /SIGSEGV|RecursionError/),
  inTest('sys_exit', 'sys.exit(3)', /SystemExit/),
  {
    name: 'fixture',
    file: 'import os, pytest\n@pytest.fixture\ndef bad(): os._exit(4)\ndef test_before(): pass\ndef test_probe(bad): pass\ndef test_after(): pass\n',
    blamed: 'probes/test_fixture.py::test_probe',
    says: /code 4/,
  },
  {
    name: 'teardown',
    file: 'import os, pytest\n@pytest.fixture\ndef bad():\n    yield\n    os._exit(5)\ndef test_before(): pass\ndef test_probe(bad): pass\ndef test_after(): pass\n',
    blamed: 'probes/test_teardown.py::test_probe',
    says: /code 5/,
  },
  {
    name: 'hook',
    file: 'def test_before(): pass\ndef test_probe_of_hook(): pass\ndef test_after(): pass\n',
    blamed: 'probes/test_hook.py::test_probe_of_hook',
    says: /code 6/,
  },
  { name: 'import', file: 'import os\nos._exit(7)\n', blamed: 'probes/test_import.py', says: /code 7/ },
  { name: 'import_sys_exit', file: 'import sys\nsys.exit(8)\n', blamed: 'probes/test_import_sys_exit.py', says: /SystemExit/ },
  {
    name: 'forked_child',
    file: 'import os, sys\ndef test_before(): pass\ndef test_probe():\n    child = os.fork()\n    if child == 0: sys.exit(3)\n    os.waitpid(child, 0)\ndef test_after(): pass\n',
    blamed: null,
    says: /^$/,
  },
];

const BYSTANDERS = 20;
const TESTS_EACH = 11;

test('each crash costs one xdist worker and is blamed on the running test, and every other test keeps its outcome', async () => {
  const bystander = `import pytest\n@pytest.mark.parametrize("n", range(${TESTS_EACH}))\ndef test_by(n): pass\n`;
  await using project = await newProject({
    'pytest.ini': '[pytest]\n',
    'probes/conftest.py': 'import os\ndef pytest_runtest_setup(item):\n    if item.name == "test_probe_of_hook": os._exit(6)\n',
    ...Object.fromEntries(probes.map(({ name, file }) => [`probes/test_${name}.py`, file])),
    ...Object.fromEntries(Array.from({ length: BYSTANDERS }, (_, index) => [`by/test_${index}.py`, bystander])),
  });
  const result = await project.shardline(['run', '--agents', '2', '-n', '2', '--out', 'out']);
  const report = await project.report();
  expect(result.exitCode).toBe(1);

  const blame = [
    ...report.tests.flatMap(({ nodeid, outcome, attempts }) =>
      outcome === 'passed' ? [] : [[nodeid, attempts.at(-1)?.message ?? ''] as const],
    ),
    ...report.collectErrors.map(({ file, message }) => [file, message] as const),
  ];
  const table = probes.map(({ name, blamed, says }) => {
    const message = blame.find(([id]) => id === blamed)?.[1] ?? '';
    return { probe: name, blamed: blamed ?? '(nobody)', as: (says.exec(message)?.[0] ?? '').slice(0, 40) };
  });
  console.table(table);
  expect(blame.map(([id]) => id).sort()).toEqual(probes.flatMap(({ blamed }) => blamed ?? []).sort());
  for (const { blamed, says } of probes) if (blamed !== null) expect(blame.find(([id]) => id === blamed)?.[1]).toMatch(says);

  const withTests = probes.filter(({ file }) => file.includes('def test_before'));
  const passed = report.tests.filter(({ outcome }) => outcome === 'passed');
  expect(passed).toHaveLength(BYSTANDERS * TESTS_EACH + withTests.length * 2 + 1);
  expect(report.notRun).toEqual([]);
  expect(report.totals.duplicatesDropped).toBe(0);
  expect(new Set(report.shards.map(({ state }) => state))).toEqual(new Set(['done']));
});
