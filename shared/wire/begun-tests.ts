// Reads from `events.ndjson` what a replay needs: the order in which tests started, and how they were run.

import { z } from 'zod';
import type { BegunTest } from '../domain/begun-test.ts';
import type { AgentInfo } from '../domain/events.ts';
import type { TestFile } from '../domain/ids.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { RunSpec } from '../domain/run-spec.ts';
import { ShardlineError } from '../errors.ts';
import { inTimeOf } from './agreed-time.ts';
import { decodeBody, decodeEnvelope } from './envelope.ts';
import { decodeEvents } from './events.ts';
import { testFileSchema } from './parse.ts';
import { decodeLines, streamReadSchema } from './run-log.ts';
import { specSchema } from './run-spec.ts';
import { NO_VERIFIER } from './signature.ts';

export interface RecordedWork {
  readonly spec: RunSpec;
  /** See `HowToCollect`. */
  readonly companions: readonly TestFile[];
  readonly agents: readonly AgentInfo[];
  /** In the order in which they started. */
  readonly tests: readonly BegunTest[];
}

const openingSchema = z.object({ kind: z.literal('run-opened'), spec: specSchema, companions: z.array(testFileSchema).default([]) });
const kindSchema = z.object({ kind: z.string() });

/** Rejects with `bad-message`, `newer-version` and `older-version`, and with the errors of `lines`. */
export async function decodeRecordedWork(lines: AsyncIterable<string>, source: string): Promise<RecordedWork> {
  let opening: z.infer<typeof openingSchema> | null = null;
  const agents: AgentInfo[] = [];
  const tests: BegunTest[] = [];
  const outcomes = new Map<string, Outcome>();
  for await (const { own, batch } of decodeLines(lines, source)) {
    const envelope = decodeEnvelope(own, source);
    if (batch === null) {
      const { kind } = decodeBody(kindSchema, envelope, source);
      if (kind === 'run-opened') opening ??= decodeBody(openingSchema, envelope, source);
      continue;
    }
    const { aheadMs } = decodeBody(streamReadSchema, envelope, source);
    for (const sent of decodeEvents(batch.text, { ...envelope, verifier: NO_VERIFIER }, source)) {
      const event = inTimeOf(sent, -aheadMs);
      if (event.kind === 'agent-joined') agents.push(event.agent);
      if (event.kind !== 'attempt-reported') continue;
      const { agent, attempt } = event;
      if (event.event.kind === 'test-started') tests.push({ ...event.event, agent, attempt, outcome: null });
      if (event.event.kind === 'test-finished') outcomes.set(`${attempt} ${event.event.result.nodeid}`, event.event.result.outcome);
    }
  }
  if (opening === null) throw new ShardlineError('bad-message', { source, problem: 'no event opens a run' });
  const begun = tests.map(({ nodeid, agent, worker, attempt, at }) => ({
    nodeid,
    agent,
    worker,
    attempt,
    at,
    outcome: outcomes.get(`${attempt} ${nodeid}`) ?? null,
  }));
  return { spec: opening.spec, companions: opening.companions, agents, tests: begun.sort((left, right) => left.at - right.at) };
}
