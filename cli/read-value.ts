// Parses the text of one option, the same for every source.

import { resolve } from 'node:path';
import { parseRerunLimit } from '../shared/domain/reruns.ts';
import { measureNames, parseTargets } from '../shared/domain/targets.ts';
import { readRedisUrl } from '../shared/settings/redis-url.ts';
import { parseBytes } from '../shared/text/bytes.ts';
import { parseDuration } from '../shared/text/duration.ts';
import { didYouMean } from './nearest.ts';
import type { OptionRow } from './options.ts';

export type Value = string | number | boolean;

export interface Unfit {
  readonly expected: string;
  readonly fix: string;
}

/** Returns the value, or what was expected instead. Relative paths start from `base`. */
export function readValue(option: OptionRow, text: string, base: string): Value | Unfit {
  switch (option.kind) {
    case 'text':
    case 'sets':
      return text;
    case 'flag':
      return text === 'true' || text === '1'
        ? true
        : text === 'false' || text === '0' || text === ''
          ? false
          : { expected: 'true or false', fix: `Write ${option.name} = true or ${option.name} = false.` };
    case 'path':
      return text === ''
        ? { expected: 'a path', fix: `Write --${option.name} PATH.` }
        : text === '-' && option.name === 'selected'
          ? text
          : resolve(base, text);
    case 'python':
      // Starting the process looks up a bare name on PATH.
      return text === ''
        ? { expected: 'a Python interpreter', fix: 'Write for example --python .venv/bin/python.' }
        : text.includes('/')
          ? resolve(base, text)
          : text;
    case 'count':
      return /^\d{1,6}$/.test(text)
        ? Number(text)
        : { expected: 'a whole number, 0 or more', fix: `Write for example --${option.name} 2.` };
    case 'numprocesses':
      return text === 'auto' || /^[1-9]\d{0,4}$/.test(text)
        ? text
        : { expected: 'auto or a whole number, 1 or more', fix: 'Write for example -n auto or -n 4.' };
    case 'duration':
      return parseDuration(text) ?? { expected: 'a duration', fix: `Write for example --${option.name} 90s, 5m or 1m30s.` };
    case 'bytes':
      return parseBytes(text) ?? { expected: 'a size', fix: `Write for example --${option.name} 300MB or 1GiB.` };
    case 'rerun-limit':
      return parseRerunLimit(text) === null
        ? { expected: 'a number of tests or a percentage', fix: 'Write for example --reruns-limit 20 or --reruns-limit 5%.' }
        : text;
    case 'targets':
      return parseTargets(text) === null
        ? {
            expected: `a list of targets such as time<120s,speedup>=3,pass-rate=100% (${measureNames.join(', ')})`,
            fix: "Write for example --targets 'time<120s,cpu>=80%', in quotes.",
          }
        : text;
    case 'choice':
      return option.choices.includes(text)
        ? text
        : {
            expected: `one of ${option.choices.join(', ')}`,
            fix: didYouMean(text, option.choices).trim() || `Write for example --${option.name} ${option.choices[0]}.`,
          };
    case 'name':
      return /^[A-Za-z0-9_.-]{1,64}$/.test(text)
        ? text
        : { expected: 'at most 64 letters, digits, _ . and -', fix: 'Choose another name.' };
    case 'host':
      return /^[A-Za-z0-9.:-]{1,253}$|^\[[0-9A-Fa-f:.]+\]$/.test(text)
        ? text
        : { expected: 'an address or host name', fix: 'Write for example --host 127.0.0.1 or --host 0.0.0.0.' };
    case 'port':
      return /^\d{1,5}$/.test(text) && Number(text) < 65_536
        ? Number(text)
        : { expected: 'a port from 0 to 65535', fix: 'Write for example --port 7070, or --port 0 to use a free port.' };
    case 'url': {
      const address = readRedisUrl(text);
      return address.kind === 'bad' ? { expected: `a Redis URL, but ${address.problem}`, fix: address.fix } : text;
    }
  }
}
