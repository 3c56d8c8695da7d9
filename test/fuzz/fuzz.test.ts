// A small share of `npm run fuzz`, with a fixed seed, and each input that once broke something.

import { expect, test } from 'vitest';
import { fuzz, isAccepted } from './check.ts';
import { openCodecs } from './codecs.ts';
import { kept } from './kept.ts';

test('every codec reads the messages from which the fuzzer starts', async () => {
  using opened = openCodecs();
  for (const codec of opened.codecs) {
    for (const text of codec.samples) expect([codec.name, text, await isAccepted(codec, text)]).toEqual([codec.name, text, true]);
  }
});

test('no codec fails on hostile bytes, and no hostile events make a run green', { timeout: 120_000 }, async () => {
  const faults: string[] = [];
  for await (const { name, fault, accepted, inputs } of fuzz({ inputs: 4000, seed: 1, onInput: () => undefined })) {
    if (fault !== null) faults.push(`${name}: ${fault}`);
    // If every input were refused at once, the codecs would hardly be tested.
    if (accepted !== null) expect(accepted, name).toBeGreaterThan(inputs / 100);
  }
  expect(faults).toEqual([]);
});

test.each(kept.map((each) => [each.what, each] as const))(
  'a message that once broke something: %s',
  async (_what, { codec: name, text, isRead }) => {
    using opened = openCodecs();
    const codec = opened.codecs.find((each) => each.name === name);
    if (codec === undefined) throw new Error(`there is no codec ${name}`);
    expect(await isAccepted(codec, text())).toBe(isRead);
  },
);
