// The format of a census in Redis and in a file.

import { z } from 'zod';
import type { Census } from '../../domain/suite/census.ts';
import { listOf, nodeIdSchema, parseVersioned, testFileSchema } from '../parse.ts';
import { loadSchema } from './suite-list.ts';

const CENSUS_VERSION = 2;
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const censusSchema = z.object({
  version: z.literal(CENSUS_VERSION),
  problems: listOf(z.string()),
  inseparable: z.string().nullable(),
  inseparableFile: z.object({ file: testFileSchema, content: hash }).nullable(),
  companions: listOf(testFileSchema),
  loads: listOf(loadSchema),
  failed: listOf(nodeIdSchema),
  uncollected: testFileSchema.nullable(),
  files: listOf(z.tuple([testFileSchema, z.object({ content: hash, digest: hash })])),
});

export const encodeCensus = (census: Census): string => JSON.stringify({ version: CENSUS_VERSION, ...census, files: [...census.files] });

/** Throws `bad-message` and `newer-version`. */
export function decodeCensus(text: string, source: string): Census {
  const { version: _version, files, ...census } = parseVersioned(censusSchema, text, source, CENSUS_VERSION);
  return { ...census, files: new Map(files) };
}

const fileSchema = z.object({ version: z.literal(CENSUS_VERSION), entries: listOf(z.tuple([z.string(), z.string()])) });

/** Encoded censuses by key. */
export const encodeCensusFile = (entries: ReadonlyMap<string, string>): string =>
  `${JSON.stringify({ version: CENSUS_VERSION, entries: [...entries] })}\n`;

/** Throws `bad-message` and `newer-version`. */
export const decodeCensusFile = (text: string, source: string): ReadonlyMap<string, string> =>
  new Map(parseVersioned(fileSchema, text, source, CENSUS_VERSION).entries);
