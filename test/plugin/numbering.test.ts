// Checks ids and numbers of xdist workers in every place where a suite can read them.

import { expect, test } from 'vitest';
import { streamEngine } from '../../agent/pytest/stream-engine.ts';
import { claimAlone } from '../../agent/worker-numbers.ts';
import { makeSuite, openSuite, selectors } from './suite.ts';

/** Each test fails with its worker's id and number, so that the result reports them. The conftest reads the number on import. */
const FILES = {
  'conftest.py': 'import os\nNUMBER = os.environ.get("SHARDLINE_WORKER")\n',
  'test_names.py': `import os
def test_names(worker_id, request, tmp_path):
    assert worker_id == os.environ["PYTEST_XDIST_WORKER"] == request.config.workerinput["workerid"]
    assert os.environ["PYTEST_XDIST_WORKER_COUNT"] == "1"
    assert "popen-" + worker_id in str(tmp_path)
    from conftest import NUMBER
    assert NUMBER == os.environ["SHARDLINE_WORKER"]
    raise Exception("I am %s, number %s." % (worker_id, NUMBER))
`,
  'test_dies.py': 'import os\ndef test_dies(): os._exit(3)\n',
};

test('every worker of two agents has a unique id, and a replacement keeps the number of the crashed worker', async () => {
  await using suite = await makeSuite(FILES);
  const claimNumbers = claimAlone();
  const open = () => openSuite(suite, { engine: streamEngine(() => undefined), numprocesses: '1', claimNumbers });
  await using one = await open();
  await using two = await open();
  const names = async (session: typeof one): Promise<string | undefined> => {
    const { results } = await session.run(selectors('test_names.py'));
    return /I am gw.*\./.exec(results[0]?.message ?? '')?.[0];
  };
  expect(await names(one)).toBe('I am gw0, number 0.');
  expect(await names(two)).toBe('I am gw1, number 1.');
  await one.run(selectors('test_dies.py'));
  expect(await names(one)).toBe('I am gw2, number 0.');
});

test('a session uses the ids of xdist when it cannot claim numbers', async () => {
  await using suite = await makeSuite({
    'test_a.py': 'import os\ndef test_a(worker_id): assert (worker_id, "SHARDLINE_WORKER" in os.environ) == ("gw0", False)\n',
  });
  const reported: string[] = [];
  const claimNumbers = async (): Promise<never> => Promise.reject(new Error('Redis says no'));
  await using session = await openSuite(suite, { engine: streamEngine((line) => reported.push(line)), numprocesses: '1', claimNumbers });
  expect((await session.run(selectors('test_a.py'))).outcomes).toEqual({ 'test_a.py::test_a': 'passed' });
  expect(reported).toEqual([expect.stringMatching(/Redis says no$/)]);
});
