// Texts for a codec that reads JSON: valid messages with a few hostile edits, valid texts that are cut and joined wrongly, and plain noise.

import fc from 'fast-check';

/** Parts of JSON text that `JSON.stringify` never writes; an edit puts the name in their place. */
const RAW: Readonly<Record<string, string>> = {
  '@@huge@@': '1e999',
  '@@minus-zero@@': '-0',
  '@@digits@@': '9'.repeat(1000),
  '@@deep-list@@': `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
  '@@deep-object@@': `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
  '@@prototype@@': '{"__proto__":{"kind":"x","polluted":true},"constructor":{"prototype":{"polluted":true}}}',
  '@@twice@@': '{"kind":"a","kind":"b"}',
  '@@long-list@@': `[${'1,'.repeat(20_000)}1]`,
};

const texts = fc.oneof(
  fc.constantFrom('', '__proto__', 'constructor', '\ud800', '\udfff\ud800', '\u0000', '\u001b[2J\u001b]52;c;x\u0007', '../../etc/passwd'),
  fc.constantFrom('/etc/passwd', '..', 'a/../../b.py', 'C:\\x', '::', 'test_a.py::', '::set-output name=x::y', '##vso[x]', 'a\nb', 'NaN'),
  fc.constantFrom('coordinator', 'a1', 'a2', 'ghost', 's1.1', 's2.1', 's999999999.999999999', 's0', 's1', 's2', 'r1', 'default'),
  fc.constantFrom(
    'test_a.py',
    'test_a.py::test_x',
    'test_b.py',
    'test_b.py::test_y',
    'passed',
    'failed',
    'finished',
    'done',
    'x'.repeat(300_000),
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
const numbers = fc.oneof(
  fc.constantFrom(0, -1, 1, 0.5, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 53 + 2, -(2 ** 53), 1e15, 8.64e15, 8.64e15 + 1, 1e300, -1e300, 5e-324),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
);
const values = fc.oneof(
  { weight: 3, arbitrary: texts },
  { weight: 3, arbitrary: numbers },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(null, true, false, [], {}) },
  { weight: 1, arbitrary: fc.constantFrom(...Object.keys(RAW)) },
  { weight: 1, arbitrary: fc.jsonValue({ depthSize: 'small' }) },
);

/** One change to the value at a place, which is a number that `edited` takes modulo the number of places. */
type Edit = { readonly at: number } & (
  | { readonly kind: 'replace'; readonly value: unknown }
  /** Another value of the same type, which passes more checks. */
  | { readonly kind: 'change'; readonly text: string; readonly number: number }
  | { readonly kind: 'remove' }
  | { readonly kind: 'repeat'; readonly times: number }
  | { readonly kind: 'swap'; readonly other: number }
  | { readonly kind: 'add'; readonly name: string; readonly value: unknown }
);

const at = fc.nat({ max: 1_000_000 });
const edits: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ at, kind: fc.constant('replace' as const), value: values }) },
  { weight: 6, arbitrary: fc.record({ at, kind: fc.constant('change' as const), text: texts, number: numbers }) },
  { weight: 2, arbitrary: fc.record({ at, kind: fc.constant('remove' as const) }) },
  { weight: 1, arbitrary: fc.record({ at, kind: fc.constant('repeat' as const), times: fc.constantFrom(2, 3, 2000) }) },
  { weight: 2, arbitrary: fc.record({ at, kind: fc.constant('swap' as const), other: at }) },
  { weight: 1, arbitrary: fc.record({ at, kind: fc.constant('add' as const), name: texts, value: values }) },
);

interface Place {
  readonly holder: Record<string | number, unknown>;
  readonly key: string | number;
}

/** All places below `value`, found without recursion. */
function placesOf(root: Place): Place[] {
  const places = [root];
  for (let next = 0; next < places.length && places.length < 10_000; next += 1) {
    const { holder, key } = places[next] as Place;
    const value = holder[key];
    if (typeof value !== 'object' || value === null) continue;
    const keys = Array.isArray(value) ? value.keys() : Object.keys(value);
    for (const each of keys) places.push({ holder: value as Place['holder'], key: each });
  }
  return places;
}

const put = (holder: object, key: string | number, value: unknown): void => {
  // An assignment to `__proto__` would set the prototype instead.
  Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true });
};

export function edited(value: unknown, changes: readonly Edit[]): unknown {
  const root = { value: structuredClone(value) };
  for (const change of changes) {
    const places = placesOf({ holder: root, key: 'value' });
    const place = places[change.at % places.length] as Place;
    apply(change, place, places);
  }
  return root.value;
}

function apply(change: Edit, { holder, key }: Place, places: readonly Place[]): void {
  const value = holder[key];
  switch (change.kind) {
    case 'replace':
      put(holder, key, structuredClone(change.value));
      break;
    case 'change':
      if (typeof value === 'number') put(holder, key, change.number);
      else if (typeof value === 'string') put(holder, key, change.text);
      else if (typeof value === 'boolean') put(holder, key, !value);
      else if (Array.isArray(value)) put(holder, key, value.length === 0 ? [change.text] : []);
      break;
    case 'remove':
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
      break;
    case 'repeat':
      if (Array.isArray(value) && value.length < 100) put(holder, key, Array(change.times).fill(value).flat());
      else if (typeof value === 'string' && value.length < 200) put(holder, key, value.repeat(change.times));
      break;
    case 'swap': {
      const other = places[change.other % places.length] as Place;
      put(holder, key, structuredClone(other.holder[other.key]));
      break;
    }
    case 'add':
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) put(value, change.name, structuredClone(change.value));
      break;
  }
}

/** JSON text, with the parts of `RAW` in place of their names; empty if it is longer than a string may be. */
export function toText(value: unknown): string {
  try {
    return (JSON.stringify(value) ?? '').replaceAll(/"(@@[a-z-]+@@)"/g, (whole, name: string) => RAW[name] ?? whole);
  } catch (thrown) {
    if (thrown instanceof RangeError) return '';
    throw thrown;
  }
}

const someEdits = fc.oneof({ weight: 3, arbitrary: fc.tuple(edits) }, { weight: 1, arbitrary: fc.array(edits, { maxLength: 4 }) });

/** Bytes, and valid texts that are cut, or have noise in their middle. */
export const noiseOf = (samples: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('utf8')),
    fc.string({ unit: 'binary', maxLength: 100 }),
    fc.json(),
    fc
      .tuple(fc.constantFrom(...samples), at, at, fc.string({ unit: 'binary', maxLength: 4 }))
      .map(([text, from, to, noise]) => text.slice(0, from % (text.length + 1)) + noise + text.slice(to % (text.length + 1))),
  );

/** A text of lines with another value in one of them. */
export const editedText = (sample: string): fc.Arbitrary<string> =>
  fc.tuple(at, texts).map(([place, value]) => {
    const lines = sample.split('\n');
    const line = place % lines.length;
    return lines
      .with(
        line,
        (lines[line] ?? '').replace(/: .*/, () => `: ${value}`),
      )
      .join('\n');
  });

/** Texts for a codec whose valid texts are JSON. */
export const jsonTexts = (samples: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.tuple(fc.constantFrom(...samples), someEdits).map(([text, list]) => toText(edited(JSON.parse(text), list))),
    },
    { weight: 1, arbitrary: noiseOf(samples) },
  );

/** Texts for a codec whose valid texts are envelopes: mostly with edits in the body, which is JSON text inside the JSON. */
export const messageTexts = (samples: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...samples), someEdits).map(([text, list]) => withEditedBody(text, list)) },
    { weight: 2, arbitrary: jsonTexts(samples) },
  );

function withEditedBody(text: string, list: readonly Edit[]): string {
  const envelope = JSON.parse(text) as { body: string };
  return JSON.stringify({ ...envelope, body: toText(edited(JSON.parse(envelope.body), list)) });
}

/** Files of messages, one a line: a line with edits, and lines that are missing, repeated or exchanged. */
export function lineTexts(samples: readonly (readonly string[])[]): fc.Arbitrary<string> {
  const moves = fc.array(fc.record({ kind: fc.constantFrom('drop', 'repeat', 'exchange'), at, other: at }), { maxLength: 2 });
  const arranged = samples.map((lines) =>
    fc.tuple(editedLine(lines), fc.nat({ max: 3 }), moves).map(([changed, die, list]) => {
      const all = die === 0 ? [...lines] : [...changed];
      for (const { kind, at: from, other } of die === 0 ? list : []) {
        const [here, there] = [from % Math.max(1, all.length), other % Math.max(1, all.length)];
        if (kind === 'drop') all.splice(here, 1);
        if (kind === 'repeat') all.splice(there, 0, all[here] ?? '');
        if (kind === 'exchange' && all.length > 0) [all[here], all[there]] = [all[there] ?? '', all[here] ?? ''];
      }
      return all.map((line) => `${line}\n`).join('');
    }),
  );
  return fc.oneof(
    { weight: 9, arbitrary: fc.oneof(...arranged) },
    { weight: 1, arbitrary: noiseOf(samples.map((lines) => lines.join('\n'))) },
  );
}

/** The lines with edits in one of them. */
const editedLine = (lines: readonly string[]): fc.Arbitrary<readonly string[]> =>
  fc.oneof(...lines.map((line, place) => messageTexts([line]).map((text) => lines.with(place, text.replaceAll('\n', '')))));
