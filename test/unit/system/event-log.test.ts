// The log for operators: one line for each change of state, with ids as fields and nothing that a test printed.

import { expect, test } from 'vitest';
import type { AttemptEnding } from '../../../shared/domain/attempt.ts';
import { agentId, attemptId, nodeId, runId, shardId } from '../../../shared/domain/ids.ts';
import { ShardlineError } from '../../../shared/errors.ts';
import { failureFields, logRunEvent } from '../../../shared/system/event-log.ts';
import { type LoggedLine, recordingLog } from '../../support/recording-log.ts';

const run = runId('r1');
const about = { agent: agentId('a1'), attempt: attemptId(shardId(1), 1), shard: shardId(1) };

test.each<readonly [ending: AttemptEnding, line: LoggedLine]>([
  [{ kind: 'finished' }, ['debug', 'attempt ended', { ending: 'finished' }]],
  [{ kind: 'interrupted', by: 'deadline' }, ['debug', 'attempt ended', { ending: 'interrupted', by: 'deadline' }]],
  [
    { kind: 'crashed', exitCode: null, signal: 'SIGSEGV', running: nodeId('t.py::t'), detail: 'printed' },
    ['warn', 'attempt failed', { ending: 'crashed', exitCode: null, signal: 'SIGSEGV', running: 't.py::t' }],
  ],
  [
    { kind: 'not-started', error: 'session-not-started', detail: 'printed' },
    ['warn', 'attempt failed', { ending: 'not-started', error: 'session-not-started' }],
  ],
])('logs an attempt that ended as %o, without its output', (ending, [level, phrase, fields]) => {
  const { log, lines } = recordingLog();
  logRunEvent(log, run, { kind: 'attempt-ended', at: 1, ...about, ending, seconds: 2 });
  expect(lines).toEqual([[level, phrase, { run, ...about, seconds: 2, ...fields }]]);
});

test('logs what pytest prints neither at its start nor at its end', () => {
  const { log, lines } = recordingLog();
  const fingerprint = { files: null, python: null };
  logRunEvent(log, run, { kind: 'agent-unfit', at: 1, agent: about.agent, host: 'h', why: 'not-started', problem: 'printed', fingerprint });
  logRunEvent(log, run, { kind: 'session-ended', at: 1, agent: about.agent, problem: 'printed', acceptsNoTests: false });
  logRunEvent(log, run, { kind: 'session-ended', at: 1, agent: about.agent, problem: null, acceptsNoTests: true });
  logRunEvent(log, run, { kind: 'suite-refused', at: 1, agent: about.agent, message: 'printed' });
  expect(lines.map(([level, phrase]) => [level, phrase])).toEqual([
    ['warn', 'agent cannot serve the run'],
    ['warn', 'pytest failed after its last test'],
    ['warn', "pytest refused the run's paths or options"],
  ]);
  expect(JSON.stringify(lines)).not.toContain('printed');
});

test('gives the message of an expected failure, and any other error with its stack', () => {
  const expected = new ShardlineError('out-in-use', { path: '/x', problem: 'y' });
  expect(failureFields(expected)).toEqual({ code: 'out-in-use', problem: expected.message });
  const bug = new Error('bug');
  expect(failureFields(bug)).toEqual({ err: bug });
});
