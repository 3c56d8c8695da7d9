// Why the agents of a pool do not serve a run.

import { describe, expect, test } from 'vitest';
import { unfitBecause } from '../../../agent/fitness.ts';
import { absencesOf, isNews, poolSeen, type Said } from '../../../coordinator/core/state/agents/absences.ts';
import type { CoordinatorEvent } from '../../../coordinator/core/state/events.ts';
import { eventLines } from '../../../coordinator/reporters/progress/event-lines.ts';
import { tallyOf } from '../../../coordinator/reporters/progress/tally.ts';
import { absenceWords, declineLine } from '../../../coordinator/reporters/text/absence-text.ts';
import { absenceCauses, declineCauseOf, declineCauses } from '../../../shared/domain/fleet/decline.ts';
import { agentId, runId } from '../../../shared/domain/ids.ts';
import { errorCodes, ShardlineError } from '../../../shared/errors.ts';
import { encodeFacts, readFacts } from '../../../shared/wire/fleet/agent-facts.ts';
import { closedDone, opened, reportOf, stateAfter } from './run-kit.ts';

const run = runId('now');
const other = runId('other');
const idle: NonNullable<Said> = { runs: [], drainSeconds: null, declined: [] };
const causes = (said: Said): readonly string[] => absencesOf(run, new Map([[agentId('a1'), said]])).map(({ why }) => why);

test.each([
  ['declined the run', { ...idle, declined: [{ run, cause: 'unknown-key' }] }, ['unknown-key']],
  ['declined another run', { ...idle, declined: [{ run: other, cause: 'unknown-key' }] }, ['silent']],
  ['declined the run and drains', { ...idle, drainSeconds: 3, declined: [{ run, cause: 'expired' }] }, ['expired']],
  ['drains', { ...idle, drainSeconds: 3, runs: [{ run: other }] }, ['draining']],
  ['serves another run', { ...idle, runs: [{ run: other }] }, ['busy']],
  ['opens its session in the run', { ...idle, runs: [{ run }] }, []],
  ['waits', idle, ['silent']],
  ['has facts that cannot be read', null, ['silent']],
] satisfies [string, Said, string[]][])('an agent that %s', (_, said, expected) => {
  expect(causes(said)).toEqual(expected);
});

test('agents are counted by cause, in a fixed order', () => {
  const declined = (cause: 'not-signed' | 'expired'): Said => ({ ...idle, declined: [{ run, cause }] });
  const agents = new Map(
    [idle, declined('expired'), declined('not-signed'), declined('not-signed')].map((said, index) => [agentId(`a${index}`), said]),
  );
  expect(absencesOf(run, agents)).toEqual([
    { why: 'not-signed', agents: 2, example: 'a2' },
    { why: 'expired', agents: 1, example: 'a1' },
    { why: 'silent', agents: 1, example: 'a0' },
  ]);
});

test('each cause is printed once, and a change of its count is news', () => {
  const state = stateAfter(opened([]));
  const seen = (at: number, agents: number): readonly string[] => {
    const event = { kind: 'pool-seen', at, absences: [{ why: 'not-signed', agents, example: agentId('a1') }] } as const;
    expect(isNews(state, event.absences)).toBe(true);
    poolSeen(state, event);
    expect(isNews(state, event.absences)).toBe(false);
    return eventLines({ event, state, changes: [], tally: tallyOf(state), lateForecasts: 0 }, 'normal');
  };
  expect(seen(1000, 1)).toEqual([
    expect.stringMatching(/^Agent a1 declined the run: the run is not signed.* Fix: start the run with --sign-key FILE/),
  ]);
  expect(seen(2000, 2)).toEqual([]);
});

test('an agent that does not accept the arguments of the run is named with its own fix', () => {
  const error = new ShardlineError('args-not-accepted', { agent: 'far', runId: 'r1', args: '-p -o' });
  const fingerprint = { files: null, python: null };
  const event = { kind: 'agent-unfit', at: 1, agent: agentId('far'), host: 'h', ...unfitBecause(error), fingerprint } as const;
  const state = stateAfter(opened([]), event);
  expect(eventLines({ event, state, changes: [], tally: tallyOf(state), lateForecasts: 0 }, 'normal')).toEqual([
    expect.stringMatching(
      /^Agent far does not accept these arguments of run r1 for pytest: -p -o\. Fix: Start the agent with `--accept-args any` /,
    ),
  ]);
});

test('a run ends with the advice to start an agent only if there was none at all', () => {
  const closed = { kind: 'run-closed', at: 9, why: { kind: 'stopped', notRun: 'no-agent', by: 'cancelled' } } as const;
  const rejected = { kind: 'message-rejected', at: 2, position: '1-1', agent: agentId('far'), why: 'not-trusted', problem: 'x' } as const;
  const seen = { kind: 'pool-seen', at: 2, absences: [{ why: 'busy', agents: 1, example: agentId('far') }] } as const;
  const linesAfter = (...before: readonly CoordinatorEvent[]): readonly string[] => {
    const state = stateAfter(opened([]), ...before, closed);
    return eventLines({ event: closed, state, changes: [], tally: tallyOf(state), lateForecasts: 0 }, 'normal');
  };
  expect(linesAfter()).toEqual([expect.stringMatching(/^No agent joined the run: there is none in pool \S+\. Fix: start one with /)]);
  for (const before of [rejected, seen]) expect(linesAfter(before)).toEqual([]);
  expect(reportOf(stateAfter(opened([]), seen, closed)).absent).toEqual(seen.absences);
  expect(reportOf(stateAfter(opened([]), seen, closedDone())).absent).toEqual([]);
});

describe('words', () => {
  test.each(absenceCauses)('%s', (why) => {
    expect(absenceWords({ why, agents: 1, example: 'a1' })).toMatch(/^agent a1 of the pool - \S.*[^.]$/);
    expect(absenceWords({ why, agents: 3, example: 'a1' })).toMatch(/^3 agents of the pool \(a1 and 2 more\) - \S.*[^.]$/);
    expect(declineLine({ why, agents: 1, example: 'a1' }) !== null).toBe(declineCauses.some((cause) => cause === why));
  });
});

test('every error has a cause, and facts keep the newest declines', () => {
  expect(new Set(errorCodes.map(declineCauseOf))).toEqual(new Set(declineCauses));
  const declined = Array.from({ length: 20 }, (_, index) => ({ run: runId(`run-${index}`), cause: 'not-signed' as const }));
  const facts = {
    version: '1',
    host: 'h',
    cpus: 1,
    memoryBytes: 1,
    workers: 1,
    labels: [],
    commit: null,
    drainSeconds: null,
    runs: [],
    declined,
  };
  expect(readFacts(encodeFacts(facts))?.declined).toEqual(declined.slice(-8));
  const older = JSON.stringify({ version: 1, facts: { ...facts, declined: undefined } });
  expect(readFacts(older)?.declined).toEqual([]);
  const newer = JSON.stringify({ version: 1, facts: { ...facts, declined: [{ run, cause: 'full moon' }] } });
  expect(readFacts(newer)?.declined).toEqual([{ run, cause: 'unreadable' }]);
});
