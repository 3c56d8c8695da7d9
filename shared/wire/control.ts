// The format of the coordinator's commands on a run's control stream.

import { z } from 'zod';
import { interruptCauses } from '../domain/attempt.ts';
import type { ControlCommand } from '../domain/control.ts';
import { collectModes } from '../domain/suite/suite-list.ts';
import { decodeMessage, encodeMessage, type Origin, type Reader } from './envelope.ts';
import { agentIdSchema, attemptIdSchema, listOf, testFileSchema } from './parse.ts';
import type { Signer } from './signature.ts';
import { loadSchema } from './suite/suite-list.ts';

const commandSchema: z.ZodType<ControlCommand> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('collect'),
    how: z.object({
      mode: z.enum(collectModes),
      proves: z.boolean(),
      companions: listOf(testFileSchema).default([]),
      loads: listOf(loadSchema).default([]),
    }),
  }),
  z.object({ kind: z.literal('list-known'), hash: z.string() }),
  z.object({ kind: z.literal('introduce-agent'), agent: agentIdSchema }),
  z.object({ kind: z.literal('cancel-attempt'), attempt: attemptIdSchema, by: z.enum(interruptCauses) }),
  z.object({ kind: z.literal('dismiss-agent'), agent: agentIdSchema, problem: z.string().default('') }),
  z.object({ kind: z.literal('close-run'), by: z.enum([...interruptCauses, 'done']) }),
]);

export const encodeCommand = (command: ControlCommand, origin: Origin, signer: Signer | null = null): string =>
  encodeMessage('command', origin, command, signer);

/** Throws what `decodeMessage` throws. */
export const decodeCommand = (text: string, reader: Reader, source: string): ControlCommand =>
  decodeMessage('command', commandSchema, text, reader, source);
