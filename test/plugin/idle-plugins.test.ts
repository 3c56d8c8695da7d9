// Discovery finds options of plugins that disable themselves under xdist. A fake plugin has the options of pytest-benchmark.

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

test('refuses an option with which pytest would refuse to run, and names the command that works', async () => {
  await expect(discovered('test_a.py', '--benchmark-only')).rejects.toMatchObject({
    code: 'plugin-without-xdist',
    exitCode: 4,
    message: expect.stringContaining('Run `shardline run -- -n 0 test_a.py --benchmark-only`'),
  });
});

test('names an option without effect, and the command that works', async () => {
  const { idlePlugin } = await discovered('--benchmark-json=x.json');
  const command = 'shardline run -- -n 0 --benchmark-json=x.json';
  expect(idlePlugin).toEqual({ plugin: 'pytest-benchmark', option: '--benchmark-json', command });
});

test('reports nothing without xdist workers, without such an option, or with the plugin disabled', async () => {
  for (const args of [['-n', '0', '--benchmark-only'], [], ['--benchmark-json=x.json', '--benchmark-disable']]) {
    expect([args, (await discovered(...args)).idlePlugin]).toEqual([args, null]);
  }
});
