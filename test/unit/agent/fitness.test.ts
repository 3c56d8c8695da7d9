// The files of a run that an agent runs: none to which only a link leads, unless they are its user's own.

import { expect, test } from 'vitest';
import { type Candidate, refusedAttempt } from '../../../agent/fitness.ts';
import { agentId, attemptId, shardId, testFile } from '../../../shared/domain/ids.ts';
import { opened } from '../core/run-kit.ts';

const candidate: Candidate = {
  id: agentId('a1'),
  host: 'host',
  isLocal: false,
  accepts: { mode: 'safe', own: [] },
  printFiles: async () => ({ place: '', git: null, contents: null }),
  isInside: async (workspace, path) => workspace === '/checkout' && !path.startsWith('linked/'),
};
const { spec } = opened([]);
const attempt = (...files: readonly string[]) => ({
  id: attemptId(shardId(1), 1),
  shard: shardId(1),
  fence: 1,
  role: 'primary' as const,
  selectors: files.map((file) => ({ kind: 'file' as const, file: testFile(file) })),
  predictedSeconds: 1,
  avoid: [],
});

test('refuses an attempt with a file outside the workspace, and names the file', async () => {
  expect(await refusedAttempt(candidate, '/checkout', spec, attempt('test_a.py'))).toBeNull();
  const refused = await refusedAttempt(candidate, '/checkout', spec, attempt('test_a.py', 'linked/test_b.py'));
  expect(refused).toMatchObject({ kind: 'not-started', error: 'path-not-accepted', detail: expect.stringContaining('linked/test_b.py') });
});

test('runs every file of a suite whose links its own user made, and everything with any', async () => {
  const linked = attempt('linked/test_b.py');
  expect(await refusedAttempt({ ...candidate, isLocal: true }, '/checkout', spec, linked)).toBeNull();
  expect(await refusedAttempt({ ...candidate, accepts: { mode: 'any', own: [] } }, '/checkout', spec, linked)).toBeNull();
});
