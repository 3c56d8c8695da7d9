import { expect, test } from 'vitest';
import { sessionEnding } from '../../../agent/core/session-ending.ts';

test.each([
  ['nothing failed', 0, 0, false, false],
  ['reports did not go through the main process, which counted no tests', 5, 5, false, false],
  ['tests failed, and are reported', 1, 1, false, false],
  ['a hook made less of it', 1, 0, false, false],
  ['a hook forgave that there were no tests', 5, 0, false, true],
  ['a hook changed how it failed', 1, 7, false, false],
  ['a hook made it fail', 0, 7, true, false],
  ['a hook made it fail, which received no tests', 5, 1, true, false],
  ['a hook raised before ours was asked', null, 1, true, false],
  ['it was killed', null, null, false, false],
])('%s: pytest finished with %s, its process exited with %s', (_what, finished, exitCode, isProblem, accepts) => {
  const { problem, acceptsNoTests } = sessionEnding({ finished, exitCode, output: '3 sockets left open\n' });
  expect(acceptsNoTests).toBe(accepts);
  expect(problem === null).toBe(!isProblem);
  if (problem !== null)
    expect(problem).toMatch(new RegExp(`^pytest's session ended with exit code ${exitCode}, .*\n\n3 sockets left open$`));
});
