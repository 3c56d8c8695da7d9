// Reads the Lua scripts in scripts/, one operation a file. Redis runs each script in one step.

import { readFileSync } from 'node:fs';

/** The text of `scripts/<name>.lua`. */
export const readScript = (name: string): string => readFileSync(new URL(`scripts/${name}.lua`, import.meta.url), 'utf8');
