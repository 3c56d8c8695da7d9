// Measures the cost of the wire: encodes and decodes 100,000 results, one in a hundred of them failed, in batches of an agent's outbox.
//
//   node bench/wire/wire.ts [--results 100000]
//
// Prints the processor time of the best of five rounds: other work on the machine hardly changes it. Measured for 100,000 results:
//
//   in batches of 10        encode     decode     size
//   before the envelope     115 ms     561 ms     45.8 MB
//   in the envelope         256 ms     632 ms     53.9 MB
//
//   in batches of 200       encode     decode     size
//   before the envelope     105 ms     473 ms     45.1 MB
//   in the envelope         230 ms     585 ms     52.2 MB

import { parseArgs } from 'node:util';
import type { RunEvent } from '../../shared/domain/events.ts';
import { agentId, attemptId, runId, shardId } from '../../shared/domain/ids.ts';
import { decodeEvents, encodeEvents } from '../../shared/wire/events.ts';
import { NO_VERIFIER } from '../../shared/wire/signature.ts';
import { finished } from '../../test/unit/core/run-kit.ts';

const ROUNDS = 5;
const { values } = parseArgs({ options: { results: { type: 'string', default: '100000' } } });
const results = Number(values.results);
const address = { pool: 'default', run: runId('r1') };
const agent = agentId('a1');
const processorMs = (): number => process.cpuUsage().user / 1000;

for (const size of [10, 200]) {
  const batches = Array.from({ length: Math.ceil(results / size) }, (_, batch) =>
    Array.from({ length: size }, (_, at) => toldAbout(batch, batch * size + at)),
  );
  let [encodeMs, decodeMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  let chars = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedAt = processorMs();
    const texts = batches.map((batch, at) => encodeEvents(batch, { ...address, sender: agent, seq: at + 1, epoch: 0 }));
    const encodedAt = processorMs();
    for (const text of texts) decodeEvents(text, { ...address, verifier: NO_VERIFIER }, 'bench');
    encodeMs = Math.min(encodeMs, encodedAt - startedAt);
    decodeMs = Math.min(decodeMs, processorMs() - encodedAt);
    chars = texts.reduce((sum, text) => sum + text.length, 0);
  }
  console.log(`batches of ${size}: encode ${encodeMs.toFixed(0)} ms, decode ${decodeMs.toFixed(0)} ms, ${(chars / 1e6).toFixed(1)} MB`);
}

function toldAbout(batch: number, number: number): RunEvent {
  const shard = shardId(batch + 1);
  const id = `tests/unit/test_module_${batch}.py::TestThing::test_case_${number}[param-${number}]`;
  const failure = {
    message: `E   assert "a\\nb" == 'c'\n`.repeat(150),
    sections: [{ title: 'Captured stdout call', text: 'line\n'.repeat(200) }],
  };
  const event = number % 100 === 0 ? finished(id, 'failed', failure) : finished(id, 'passed');
  return { kind: 'attempt-reported', agent, attempt: attemptId(shard, 1), shard, event };
}
