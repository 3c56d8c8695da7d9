// The holder of a run's lease, and the format in which Redis stores it.

import { z } from 'zod';
import { oneLine } from '../text/safe-text.ts';
import { parseVersioned } from './parse.ts';

/** The coordinator that alone may serve a run. */
export interface LeaseHolder {
  /** Unique for each coordinator and each time that it opens a run. */
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  /** The id of the channel to which it subscribes as long as it is connected; null if its account may not subscribe. */
  readonly line: string | null;
}

const HOLDER_VERSION = 1;
/** The longest name of a host in DNS. */
const HOST_CHARS = 253;

const holderSchema = z.object({
  version: z.literal(HOLDER_VERSION),
  id: z.uuid(),
  host: z.string().max(HOST_CHARS).transform(oneLine),
  pid: z.int().positive(),
  line: z.uuid().nullable(),
});

export const encodeHolder = (holder: LeaseHolder): string =>
  JSON.stringify({ version: HOLDER_VERSION, ...holder, host: holder.host.slice(0, HOST_CHARS) });

/** Throws `bad-message` and `newer-version`. */
export function decodeHolder(text: string, source: string): LeaseHolder {
  const { version: _version, ...holder } = parseVersioned(holderSchema, text, source, HOLDER_VERSION);
  return holder;
}
