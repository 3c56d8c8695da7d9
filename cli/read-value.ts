// Parses the text of one option, the same for every source.

import { resolve } from 'node:path';
import { NEEDS_LIMITS } from '../shared/domain/needs.ts';
import { parsePart } from '../shared/domain/part.ts';
import { parseRerunLimit } from '../shared/domain/reruns.ts';
import { PRIORITY } from '../shared/domain/run-spec.ts';
import { measureNames, parseTargets } from '../shared/domain/targets.ts';
import { readRedisUrl } from '../shared/settings/redis-url.ts';
import { parseResources } from '../shared/settings/resources.ts';
import { parseBytes } from '../shared/text/bytes.ts';
import { parseDuration } from '../shared/text/duration.ts';
import { didYouMean } from './nearest.ts';
import type { OptionKind, OptionRow } from './options.ts';

export type Value = string | number | boolean;

export interface Unfit {
  readonly expected: string;
  readonly fix: string;
}

type Reader = (text: string, option: OptionRow, base: string) => Value | Unfit;

/** Returns the value, or what was expected instead. Relative paths start from `base`. */
export const readValue = (option: OptionRow, text: string, base: string): Value | Unfit => readers[option.kind](text, option, base);

const readers: Readonly<Record<OptionKind, Reader>> = {
  text: (text) => text,
  sets: (text) => text,
  list: (text) => text,
  labels: readLabels,
  resources: (text) =>
    parseResources(text) === null
      ? {
          expected: 'a limit of 1 or more for each resource',
          fix: `Write for example --resources 'payments-sandbox=2', or in [tool.shardline.resources]: payments-sandbox = { limit = 2, tests = ["tests/payments/**"] }.`,
        }
      : text,
  flag: readFlag,
  path: readPath,
  python: readPython,
  priority: (text, { name }) =>
    /^-?\d{1,2}$/.test(text) && Number(text) >= PRIORITY.least && Number(text) <= PRIORITY.most
      ? Number(text)
      : { expected: `a whole number from ${PRIORITY.least} to ${PRIORITY.most}`, fix: `Write for example --${name} 5 or --${name}=-5.` },
  count: (text, { name }) =>
    /^\d{1,6}$/.test(text) ? Number(text) : { expected: 'a whole number, 0 or more', fix: `Write for example --${name} 2.` },
  numprocesses: (text) =>
    text === 'auto' || /^[1-9]\d{0,4}$/.test(text)
      ? text
      : { expected: 'auto or a whole number, 1 or more', fix: 'Write for example -n auto or -n 4.' },
  duration: (text, { name }) => parseDuration(text) ?? { expected: 'a duration', fix: `Write for example --${name} 90s, 5m or 1m30s.` },
  bytes: (text, { name }) => parseBytes(text) ?? { expected: 'a size', fix: `Write for example --${name} 300MB or 1GiB.` },
  'rerun-limit': (text) =>
    parseRerunLimit(text) === null
      ? { expected: 'a number of tests or a percentage', fix: 'Write for example --reruns-limit 20 or --reruns-limit 5%.' }
      : text,
  part: (text) => (parsePart(text) === null ? { expected: 'I/N with I from 1 to N', fix: 'Write for example --shard 2/4.' } : text),
  targets: readTargets,
  choice: readChoice,
  name: (text, { name }) =>
    /^[A-Za-z0-9_.-]{1,64}$/.test(text)
      ? text
      : {
          expected: '1 to 64 letters, digits, _ . and -',
          fix: name === 'drain' ? 'Name an agent that `shardline status` lists.' : 'Choose another name.',
        },
  host: (text) =>
    /^[A-Za-z0-9.:-]{1,253}$|^\[[0-9A-Fa-f:.]+\]$/.test(text)
      ? text
      : { expected: 'an address or host name', fix: 'Write for example --host 127.0.0.1 or --host 0.0.0.0.' },
  address: (text) =>
    /^([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]+\]):\d{1,5}$/.test(text) && Number(text.slice(text.lastIndexOf(':') + 1)) < 65_536
      ? text
      : { expected: 'HOST:PORT', fix: 'Write for example --metrics 127.0.0.1:9464.' },
  port: (text) =>
    /^\d{1,5}$/.test(text) && Number(text) < 65_536
      ? Number(text)
      : { expected: 'a port from 0 to 65535', fix: 'Write for example --port 7070, or --port 0 to use a free port.' },
  url: readUrl,
};

function readLabels(text: string): Value | Unfit {
  const labels = new Set(text.trim().split(/\s+/));
  if (![...labels].every((label) => /^[A-Za-z0-9_.-]{1,64}$/.test(label)))
    return { expected: 'labels of 1 to 64 letters, digits, _ . and -', fix: 'Write for example --label gpu.' };
  const { names } = NEEDS_LIMITS;
  return labels.size <= names ? text : { expected: `at most ${names} labels`, fix: 'Give the agent only labels that tests require.' };
}

function readFlag(text: string, { name }: OptionRow): Value | Unfit {
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0' || text === '') return false;
  return { expected: 'true or false', fix: `Write ${name} = true or ${name} = false.` };
}

function readPath(text: string, { name }: OptionRow, base: string): Value | Unfit {
  if (text === '') return { expected: 'a path', fix: `Write --${name} PATH.` };
  return text === '-' && (name === 'selected' || name === 'certify') ? text : resolve(base, text);
}

function readPython(text: string, _option: OptionRow, base: string): Value | Unfit {
  if (text === '') return { expected: 'a Python interpreter', fix: 'Write for example --python .venv/bin/python.' };
  // Starting the process looks up a bare name on PATH.
  return text.includes('/') ? resolve(base, text) : text;
}

function readTargets(text: string): Value | Unfit {
  if (parseTargets(text) !== null) return text;
  return {
    expected: `a list of targets such as time<120s,speedup>=3,pass-rate=100% (${measureNames.join(', ')})`,
    fix: "Write for example --targets 'time<120s,cpu>=80%', in quotes.",
  };
}

function readChoice(text: string, { name, choices }: OptionRow): Value | Unfit {
  if (choices.includes(text)) return text;
  return {
    expected: `one of ${choices.join(', ')}`,
    fix: didYouMean(text, choices).trim() || `Write for example --${name} ${choices[0]}.`,
  };
}

function readUrl(text: string): Value | Unfit {
  const address = readRedisUrl(text);
  return address.kind === 'bad' ? { expected: `a Redis URL, but ${address.problem}`, fix: address.fix } : text;
}
