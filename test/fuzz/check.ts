// Reads a number of inputs with every codec, and runs with hostile events, in this thread. `fuzz.ts` watches that none takes too long.

import fc from 'fast-check';
import { type ErrorCode, ShardlineError } from '../../shared/errors.ts';
import { type Codec, openCodecs } from './codecs.ts';
import { runs } from './runs.ts';

export interface Checked {
  readonly name: string;
  readonly inputs: number;
  /** How many inputs the codec accepted; null for runs. */
  readonly accepted: number | null;
  /** Why an input failed, with the smallest one that was found; null if none failed. */
  readonly fault: string | null;
}

export interface FuzzOptions {
  /** Of all codecs and runs together. */
  readonly inputs: number;
  readonly seed: number;
  /** Called before each input. */
  readonly onInput: (name: string) => void;
}

/** Longer inputs are cut in the output. */
const SHOWN_CHARS = 2000;

export async function* fuzz({ inputs, seed, onInput }: FuzzOptions): AsyncGenerator<Checked> {
  using opened = openCodecs();
  const numRuns = Math.ceil(inputs / (opened.codecs.length + runs.length));
  for (const codec of opened.codecs) {
    let accepted = 0;
    const property = fc.asyncProperty(codec.texts, async (text) => {
      onInput(codec.name);
      if (await isAccepted(codec, text)) accepted += 1;
    });
    const details = await fc.check(property, { numRuns, seed });
    yield { name: codec.name, inputs: details.numRuns, accepted, fault: faultOf(details) };
  }
  for (const run of runs) {
    const property = fc.asyncProperty(run.inputs, async ({ play }) => {
      onInput(run.name);
      play();
    });
    const details = await fc.check(property, { numRuns, seed });
    yield { name: run.name, inputs: details.numRuns, accepted: null, fault: faultOf(details) };
  }
  if (Object.keys(Object.prototype).length > 0 || 'polluted' in {}) throw new Error('an input has changed the prototype of all objects');
}

/** Throws unless the codec accepts the input, or refuses it with one of its errors. */
export async function isAccepted({ read, codes }: Codec, text: string): Promise<boolean> {
  try {
    await read(text);
    return true;
  } catch (thrown) {
    if (thrown instanceof ShardlineError && codes.has(thrown.code as ErrorCode)) return false;
    throw thrown;
  }
}

function faultOf<Input>(details: fc.RunDetails<Input>): string | null {
  if (!details.failed) return null;
  const shown = JSON.stringify(details.counterexample) ?? '';
  const { errorInstance: thrown } = details;
  const error = thrown instanceof Error ? thrown.stack : String(thrown);
  return `seed ${details.seed}: ${error}\n  input: ${shown.length > SHOWN_CHARS ? `${shown.slice(0, SHOWN_CHARS)}… (${shown.length} characters)` : shown}`;
}
