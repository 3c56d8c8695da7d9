// The number that Redis gives an agent which claims some for its processes.

import { z } from 'zod';
import { checked } from './parse.ts';

/** No run starts as many processes as this; -1 stands for a closed run. Somebody else may have written another number. */
const schema = z.int().min(-1).max(1_000_000_000);

/** Throws `bad-message`. */
export const decodeClaimed = (answer: unknown, source: string): number => checked(schema, answer, source);
