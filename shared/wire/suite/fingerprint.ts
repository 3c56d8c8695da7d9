// The format of workspace fingerprints in Redis and in pytest's result files.

import { z } from 'zod';
import type { FilesPrint, Fingerprint, PythonPrint } from '../../domain/suite/fingerprint.ts';

/** Longer than any real name, version, commit or digest. */
const short = z.string().max(1000);
/** The limit exceeds the number of distributions in any real environment. */
const MOST_ENTRIES = 10_000;
// The number is checked first: zod would keep a problem of every entry.
const versions = z
  .unknown()
  .refine((value) => typeof value !== 'object' || value === null || Object.keys(value).length <= MOST_ENTRIES, 'has too many entries')
  .pipe(z.record(short, short));

export const filesPrintSchema: z.ZodType<FilesPrint> = z.object({
  place: short,
  git: z.object({ commit: short, directory: z.string().max(5000), changedFiles: z.int().nonnegative(), changes: short }).nullable(),
  contents: short.nullable(),
});

export const pythonPrintSchema: z.ZodType<PythonPrint> = z.object({
  python: short,
  platform: short,
  plugins: versions,
  packages: versions,
  packagesDigest: short,
});

export const fingerprintSchema: z.ZodType<Fingerprint> = z.object({
  files: filesPrintSchema.nullable(),
  python: pythonPrintSchema.nullable(),
});
