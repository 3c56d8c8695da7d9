// The format of the coordinator's commands on a run's control stream.

import { z } from 'zod';
import { interruptCauses } from '../domain/attempt.ts';
import type { ControlCommand } from '../domain/control.ts';
import { collectModes } from '../domain/suite-list.ts';
import { agentIdSchema, attemptIdSchema, parseVersioned } from './parse.ts';

const CONTROL_VERSION = 2;

const envelopeSchema = z.object({
  version: z.literal(CONTROL_VERSION),
  command: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('collect'),
      how: z.object({
        mode: z.enum(collectModes),
        proves: z.boolean(),
        modules: z.array(z.string()).default([]),
        preloads: z.boolean().default(false),
      }),
    }),
    z.object({ kind: z.literal('list-known'), hash: z.string() }),
    z.object({ kind: z.literal('cancel-attempt'), attempt: attemptIdSchema, by: z.enum(interruptCauses) }),
    z.object({ kind: z.literal('dismiss-agent'), agent: agentIdSchema, problem: z.string().default('') }),
    z.object({ kind: z.literal('close-run'), by: z.enum([...interruptCauses, 'done']) }),
  ]),
});

export const encodeCommand = (command: ControlCommand): string => JSON.stringify({ version: CONTROL_VERSION, command });

/** Throws `bad-message` and `newer-version`. */
export const decodeCommand = (text: string, source: string): ControlCommand =>
  parseVersioned(envelopeSchema, text, source, CONTROL_VERSION).command;
