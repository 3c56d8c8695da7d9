// Tests that patch the standard library, or change its defaults, crash no xdist worker and corrupt no message.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { streamEngine } from '../../agent/pytest/stream-engine.ts';
import { makeSuite, openSuite, selectors } from './suite.ts';

/** Each is patched for a whole module. The last stays patched until the worker ends, so pytest must be able to end without it. */
const PATCHED = [
  'os.getpid',
  'os.mkdir',
  'os.replace',
  'os.sysconf',
  'os.write',
  'os.read',
  'os._exit',
  'json.dumps',
  'json.loads',
  'json.JSONEncoder',
  'json.JSONEncoder.encode',
  'json.JSONEncoder.iterencode',
  'json.JSONDecoder.raw_decode',
  'select.select',
  'socket.socket',
  'socket.socket.sendall',
  'socket.socket.recv',
  'socket.socket.close',
  'socket.create_connection',
  'time.time',
  'time.monotonic',
  'time.perf_counter',
  'time.sleep',
  'threading.Thread',
  'threading.Lock',
  'collections.deque',
  'resource.getrusage',
  'subprocess.run',
  'subprocess.Popen',
  'builtins.open',
] as const;

/** A module that patches the `targets` one after the other, each for `test_1` and `test_2`. */
const patching = (targets: readonly string[], scope: string): string => `import os, pytest
from unittest import mock
WORKER = os.environ["PYTEST_XDIST_WORKER"]
@pytest.fixture(scope="${scope}", params=${JSON.stringify(targets)})
def patched(request):
    with mock.patch(request.param, create=True) as patch:
        patch.return_value = "{}"
        yield request.param
@pytest.mark.usefixtures("patched")
class TestPatched:
    def test_1(self): assert WORKER == "gw0"
    def test_2(self): assert WORKER == "gw0"
`;

test.each(['module', 'class', 'function'])(
  'reports tests while a fixture of scope %s patches any function that the plugin uses',
  async (scope) => {
    await using suite = await makeSuite({
      'test_patching.py': patching(PATCHED, scope),
      'test_staying.py': patching(
        ['os.mkdir', 'os.getpid', 'json.dumps', 'json.loads', 'time.time', 'select.select', 'socket.socket'],
        scope,
      ),
      'test_after.py': 'import os\ndef test_after(): assert os.environ["PYTEST_XDIST_WORKER"] == "gw0"\n',
    });
    await using session = await openSuite(suite, { engine: streamEngine(() => undefined), numprocesses: '1', maxWorkerBytes: 2 ** 40 });
    const startedAt = Date.now();
    // All at once, so that two of them wait with the busy worker, which claims them later.
    const files = ['test_staying.py', 'test_patching.py', 'test_after.py'];
    const all = await Promise.all(files.map((file) => session.run(selectors(file))));
    expect(all.map(({ ending }) => ending.kind)).toEqual(['finished', 'finished', 'finished']);
    const results = all.flatMap(({ results }) => results);
    expect(results.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
    expect(results).toHaveLength(2 * (PATCHED.length + 7) + 1);
    for (const { startedAt: at } of results) expect(at).toBeGreaterThanOrEqual(Math.floor(startedAt / 1000));
  },
);

test('the default socket timeout of a suite does not affect the sockets of the plugin', async () => {
  await using suite = await makeSuite({
    'conftest.py': `import os, socket
socket.setdefaulttimeout(0)
def pytest_sessionstart(session):
    if not hasattr(session.config, "workerinput"): return
    with open(os.path.join(os.path.dirname(__file__), "workers.txt"), "a") as out: out.write("started\\n")
`,
    'test_first.py': 'import socket\ndef test_first(): assert socket.getdefaulttimeout() == 0\n',
    'test_next.py': 'def test_next(): pass\n',
  });
  await using session = await openSuite(suite, { engine: streamEngine(() => undefined), numprocesses: '1' });
  // One after the other, so that the worker waits idle for each. A non-blocking socket would end it.
  for (const file of ['test_first.py', 'test_next.py']) {
    const { ending, results } = await session.run(selectors(file));
    expect([ending.kind, ...results.map(({ outcome }) => outcome)]).toEqual(['finished', 'passed']);
  }
  expect(await readFile(join(suite.path, 'workers.txt'), 'utf8')).toBe('started\n');
});
