// Messages that do not count: one line for each sender and cause, with a fix; the report counts them.

import { expect, test } from 'vitest';
import { reduce } from '../../../coordinator/core/state/reduce.ts';
import { readEntry } from '../../../coordinator/redis/stream-entry.ts';
import { eventLines } from '../../../coordinator/reporters/progress/event-lines.ts';
import { tallyOf } from '../../../coordinator/reporters/progress/tally.ts';
import { rejectionLines } from '../../../coordinator/reporters/summary/agent-text.ts';
import { agentId, runId } from '../../../shared/domain/ids.ts';
import { rejectionCauses } from '../../../shared/domain/report.ts';
import { encodeEvents } from '../../../shared/wire/events.ts';
import { type Verifier, verifierOf } from '../../../shared/wire/signature.ts';
import { closedDone, left, opened, reportOf, stateAfter } from '../core/run-kit.ts';

const address = { pool: 'default', run: runId('r1') };
const strict: Verifier = verifierOf({ keys: [], mode: 'require', onDoubt: () => undefined, now: () => 0 });

/** The lines for entries of this text, each from the agent at the same index. */
function linesFor(texts: readonly (readonly [agent: string, batch: string])[], verifier: Verifier): readonly string[] {
  const state = stateAfter(opened([]));
  return texts.flatMap(([agent, batch], index) => {
    const entry = readEntry(
      {
        id: `${index}-0`,
        fields: new Map([
          ['agent', agent],
          ['batch', batch],
        ]),
      },
      { ...address, verifier },
    );
    if (entry.kind !== 'unreadable') throw new Error('the entry counts');
    const { position, agent: sender, why, problem } = entry;
    const event = { kind: 'message-rejected', at: index, position, agent: sender, why, problem } as const;
    const changes = reduce(state, event);
    return eventLines({ event, state, changes, tally: tallyOf(state), lateForecasts: 0 }, 'normal');
  });
}

const unsigned = (agent: string): readonly [string, string] => {
  const event = left(agentId(agent));
  if (event.kind !== 'agent-left') throw new Error('another event');
  return [agent, encodeEvents([event], { ...address, sender: agentId(agent), seq: 1, epoch: 0 }, null)];
};

test('prints the first message of each sender and cause, with a fix', () => {
  const lines = linesFor([unsigned('a1'), unsigned('a1'), unsigned('a2'), unsigned('a1')], strict);
  expect(lines).toEqual([
    expect.stringMatching(
      /^Rejected a message of agent a1: it is not signed\. Fix: Start its sender, a run or an agent, with --sign-key FILE\./,
    ),
    expect.stringMatching(/^Rejected a message of agent a2: it is not signed\. Fix: /),
  ]);
});

test('says what is wrong with a message that is not readable', () => {
  const verifier = verifierOf({ keys: [], mode: 'off', onDoubt: () => undefined, now: () => 0 });
  expect(
    linesFor(
      [
        ['a1', 'no message'],
        ['\u001b[2J', 'x'],
      ],
      verifier,
    ),
  ).toEqual([
    expect.stringMatching(/^Rejected a message of agent a1: .+ Fix: Run the same version everywhere/),
    expect.stringMatching(/^Rejected a message of an unknown sender: .+ Fix: Run the same version everywhere/),
  ]);
});

test('the summary counts messages by sender and cause, each with a fix', () => {
  const rejected = rejectionCauses.map((why) => ({ agent: agentId('a1'), why, messages: 3 }));
  const lines = rejectionLines({ ...reportOf(stateAfter(opened([]), closedDone())), rejected });
  expect(lines).toHaveLength(rejectionCauses.length);
  for (const line of lines) expect(line).toMatch(/^REJECTED 3 messages of agent a1 - .+\. Fix: .+\.$/);
});
