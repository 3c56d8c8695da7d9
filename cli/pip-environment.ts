// Reads what the launcher of the Python package (wheel/shardline/launcher.py) reports of the environment that contains it.

import { z } from 'zod';
import { ShardlineError } from '../shared/errors.ts';
import { LAUNCHER_VARIABLE } from '../shared/system/edge.ts';
import type { PipEnvironment } from '../shared/system/python.ts';

const schema = z.object({ python: z.string().min(1), isVirtual: z.boolean(), hasPytest: z.boolean() }).readonly();

/** null without a launcher. Throws `bad-config` for a value that no launcher writes. */
export function readPipEnvironment(text: string | undefined): PipEnvironment | null {
  if (text === undefined) return null;
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ShardlineError(
      'bad-config',
      {
        problem: `The environment variable ${LAUNCHER_VARIABLE} is reserved for the launcher of the Python package.`,
        fix: `Run \`unset ${LAUNCHER_VARIABLE}\`.`,
      },
      { cause },
    );
  }
}
