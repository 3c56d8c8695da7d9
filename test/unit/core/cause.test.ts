// Finds why pytest ended in what it printed.

import { expect, test } from 'vitest';
import { causeOf } from '../../../coordinator/core/result/cause.ts';

const WARNING = `/lib/pytest_asyncio/plugin.py:208: PytestDeprecationWarning: The configuration option "asyncio_default_fixture_loop_scope" is unset.
The event loop scope for asynchronous fixtures will default to the fixture caching scope. Set the default fixture loop scope explicitly.

  warnings.warn(PytestDeprecationWarning(_DEFAULT_FIXTURE_LOOP_SCOPE_UNSET))`;

test.each([
  [
    'a traceback of a worker',
    'its xdist workers crash at their start: Traceback (most recent call last):\n  File "c.py", line 2\nRuntimeError: boom',
    'its xdist workers crash at their start: RuntimeError: boom',
  ],
  ['nothing but a warning', `pytest was killed by SIGKILL\n${WARNING}`, 'pytest was killed by SIGKILL'],
  [
    'an error before a warning',
    `pytest ended with exit code 1\nImportError: no module named x\n${WARNING}`,
    'pytest ended with exit code 1: ImportError: no module named x',
  ],
  [
    'an internal error',
    'pytest ended with exit code 3\nINTERNALERROR> Traceback (most recent call last):\nINTERNALERROR>   File "c.py", line 1\nINTERNALERROR> RuntimeError: broken hook\n\n== no tests ran in 0.01s ==',
    'pytest ended with exit code 3: RuntimeError: broken hook',
  ],
  [
    'a usage error',
    'pytest ended with exit code 4\nERROR: usage: pytest\npytest: error: unrecognized arguments: --cov',
    'pytest ended with exit code 4: ERROR: usage: pytest',
  ],
  [
    'a dump of faulthandler',
    'pytest was killed by SIGSEGV\nFatal Python error: Segmentation fault\n\nThread 0x1',
    'pytest was killed by SIGSEGV: Fatal Python error: Segmentation fault',
  ],
  [
    'an exception of a library',
    'it ended\nsqlalchemy.exc.OperationalError: no server',
    'it ended: sqlalchemy.exc.OperationalError: no server',
  ],
])('finds the cause in %s', (_, detail, cause) => {
  expect(causeOf(detail)).toBe(cause);
});

test('keeps the cause within the longest line', () => {
  expect(causeOf('x'.repeat(1000))).toHaveLength(300);
});
