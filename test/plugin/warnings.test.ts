// Warnings that xdist cannot serialize crash no xdist worker, and the controller shows as much of each as possible.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { streamEngine } from '../../agent/pytest/stream-engine.ts';
import { makeSuite, openSuite, selectors } from './suite.ts';

const FILES = {
  'conftest.py': `import os, warnings
def pytest_warning_recorded(warning_message, nodeid, config=None):
    if "PYTEST_XDIST_WORKER" in os.environ: return
    text = "%s: %s" % (warning_message.category.__name__, warning_message.message)
    with open(os.path.join(os.path.dirname(__file__), "warned.txt"), "a", encoding="utf-8") as out: out.write("%s %s\\n" % (nodeid.split("::")[1], text))
`,
  'tests/test_warn.py': `import os, warnings
import pytest
class Own(UserWarning): pass
class Needing(UserWarning):
    def __init__(self, number):
        super().__init__("needs %d" % number)
def test_surrogate(): warnings.warn("w f\\udcf6")
def test_argument(): warnings.warn(Own("f\\udcf6", object()))
@pytest.mark.parametrize("name", ["\\udcf6"])
def test_id(name): warnings.warn("plain")
def test_own(): warnings.warn(Own("of a test module"))
def test_local():
    class Local(UserWarning): pass
    warnings.warn(Local("of a test"))
def test_needing(): warnings.warn(Needing(7))
def test_worker(): assert os.environ["PYTEST_XDIST_WORKER"] == "gw0"
`,
};

test('forwards a warning that xdist cannot serialize as text, without losing the worker', async () => {
  await using suite = await makeSuite(FILES);
  {
    await using session = await openSuite(suite, { engine: streamEngine(() => undefined), numprocesses: '1' });
    const { ending, results } = await session.run(selectors('tests/test_warn.py'));
    expect(ending.kind).toBe('finished');
    expect(results.map(({ outcome }) => outcome)).toEqual(Array(7).fill('passed'));
  }
  const warned = (await readFile(join(suite.path, 'warned.txt'), 'utf8')).trim().split('\n');
  expect(warned).toEqual([
    'test_surrogate UserWarning: w f\\udcf6',
    expect.stringMatching(/^test_argument Own: \('f\\\\?udcf6', <object object/),
    expect.stringMatching(/^test_id\[.*\] UserWarning: plain$/),
    'test_own Own: of a test module',
    'test_local Local: of a test',
    'test_needing Needing: needs 7',
  ]);
});
