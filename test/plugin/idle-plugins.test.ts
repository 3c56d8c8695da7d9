// Options of plugins that switch themselves off under xdist are found before anything runs. A plugin with pytest-benchmark's options stands for it.

import { expect, test } from 'vitest';
import { pytestDiscovery } from '../../coordinator/discovery/pytest-discovery.ts';
import type { DiscoveredSuite } from '../../coordinator/ports.ts';
import { testPython } from '../support/python.ts';
import { makeSuite } from './suite.ts';

const FILES = {
  'conftest.py': `
def pytest_addoption(parser, pluginmanager):
    pluginmanager.register(object(), "benchmark")
    for name in ("only", "disable", "skip"): parser.addoption("--benchmark-" + name, action="store_true")
    parser.addoption("--benchmark-json")
`,
  'test_a.py': 'def test_a(): pass\n',
};

async function discovered(...pytestArgs: readonly string[]): Promise<DiscoveredSuite> {
  await using suite = await makeSuite(FILES);
  const request = { python: testPython(), workspace: suite.path, pytestArgs, serialMarker: 'serial' };
  return await pytestDiscovery().discover(request, new AbortController().signal);
}

test('an option that makes pytest refuse to run is refused with the command that works', async () => {
  await expect(discovered('test_a.py', '--benchmark-only')).rejects.toMatchObject({
    code: 'plugin-without-xdist',
    exitCode: 4,
    message: expect.stringContaining('Run `shardline run -- -n 0 test_a.py --benchmark-only`'),
  });
});

test('an option without effect is named with the command that works', async () => {
  const { idlePlugin } = await discovered('--benchmark-json=x.json');
  const command = 'shardline run -- -n 0 --benchmark-json=x.json';
  expect(idlePlugin).toEqual({ plugin: 'pytest-benchmark', option: '--benchmark-json', command });
});

test('nothing is said without xdist workers, without such an option, and where the plugin is told to do nothing', async () => {
  for (const args of [['-n', '0', '--benchmark-only'], [], ['--benchmark-json=x.json', '--benchmark-disable']]) {
    expect([args, (await discovered(...args)).idlePlugin]).toEqual([args, null]);
  }
});
