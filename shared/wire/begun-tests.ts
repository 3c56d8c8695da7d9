// Reads from `events.ndjson` what a replay needs: the order in which tests started, and how they were run.

import { z } from 'zod';
import type { BegunTest } from '../domain/begun-test.ts';
import type { AgentInfo } from '../domain/events.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { RunSpec } from '../domain/run-spec.ts';
import { messageOf, ShardlineError } from '../errors.ts';
import { WIRE_VERSION } from './envelope.ts';
import { runEventSchema } from './events.ts';
import { checked } from './parse.ts';
import { specSchema } from './run-spec.ts';

export interface RecordedWork {
  readonly spec: RunSpec;
  readonly agents: readonly AgentInfo[];
  /** In the order in which they started. */
  readonly tests: readonly BegunTest[];
}

const openingSchema = z.object({ kind: z.literal('run-opened'), spec: specSchema });

/** Rejects with `bad-message` and `newer-version`, and with the errors of `lines`. */
export async function decodeRecordedWork(lines: AsyncIterable<string>, source: string): Promise<RecordedWork> {
  let spec: RunSpec | null = null;
  const agents: AgentInfo[] = [];
  const tests: BegunTest[] = [];
  const outcomes = new Map<string, Outcome>();
  let number = 0;
  for await (const line of lines) {
    number += 1;
    const value = parse(line, `${source}:${number}`);
    if (value.kind === 'run-opened') spec ??= checked(openingSchema, value, source).spec;
    if (value.kind !== 'agent-joined' && value.kind !== 'attempt-told') continue;
    const event = checked(runEventSchema, value, `${source}:${number}`);
    if (event.kind === 'agent-joined') agents.push(event.agent);
    if (event.kind !== 'attempt-told') continue;
    const { agent, attempt } = event;
    if (event.event.kind === 'test-started') tests.push({ ...event.event, agent, attempt, outcome: null });
    if (event.event.kind === 'test-finished') outcomes.set(`${attempt} ${event.event.result.nodeid}`, event.event.result.outcome);
  }
  if (spec === null) throw new ShardlineError('bad-message', { source, problem: 'no event opens a run' });
  const told = tests.map(({ nodeid, agent, worker, attempt, at }) => ({
    nodeid,
    agent,
    worker,
    attempt,
    at,
    outcome: outcomes.get(`${attempt} ${nodeid}`) ?? null,
  }));
  return { spec, agents, tests: told.sort((left, right) => left.at - right.at) };
}

function parse(line: string, source: string): { readonly kind: unknown } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (thrown) {
    throw new ShardlineError('bad-message', { source, problem: messageOf(thrown) }, { cause: thrown });
  }
  if (typeof value !== 'object' || value === null || !('version' in value) || !('kind' in value)) {
    throw new ShardlineError('bad-message', { source, problem: 'it is not an event' });
  }
  if (Number(value.version) > WIRE_VERSION)
    throw new ShardlineError('newer-version', { found: Number(value.version), known: WIRE_VERSION });
  return value;
}
