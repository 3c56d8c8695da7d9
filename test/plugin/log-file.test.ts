// The `log_file` of pytest, which all xdist workers of a session write.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { streamEngine } from '../../agent/pytest/stream-engine.ts';
import { makeSuite, openSuite, selectors } from './suite.ts';

test('log_file contains the lines of every worker of the session, and none of an earlier session', async () => {
  await using suite = await makeSuite({
    'pytest.ini': '[pytest]\nlog_file = own.log\nlog_file_level = INFO\nlog_file_format = %(message)s\n',
    'conftest.py': `import pytest
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item):
    if item.name == "test_own": item.config.pluginmanager.get_plugin("logging-plugin").set_log_path("test_own.log")
    yield
`,
    'test_a.py': 'import logging\ndef test_a(): logging.getLogger().info("from a")\n',
    'test_dies.py': 'import os\ndef test_dies(): os._exit(3)\n',
    'test_b.py': 'import logging\ndef test_b(): logging.getLogger().info("from b")\n',
    'test_own.py': 'import logging\ndef test_own(): logging.getLogger().info("its own")\n',
    'own.log': 'of an earlier session\n',
    'test_own.log': 'of an earlier session\n',
  });
  await using session = await openSuite(suite, { engine: streamEngine(() => undefined), numprocesses: '1' });
  for (const file of ['test_a.py', 'test_dies.py', 'test_b.py', 'test_own.py']) await session.run(selectors(file));
  expect(await readFile(join(suite.path, 'own.log'), 'utf8')).toBe('from a\nfrom b\n');
  expect(await readFile(join(suite.path, 'test_own.log'), 'utf8')).toBe('its own\n');
});
