// Runs an agent's stream engine in its own process, for a test to kill: `node lone-agent.ts WORKSPACE PYTHON FILE`.

import { openFed } from './compare.ts';
import { selectors } from './suite.ts';

const [path = '', python = '', file = ''] = process.argv.slice(2);
const session = await openFed({ path, [Symbol.asyncDispose]: async () => undefined }, { python });
await session.run(selectors(file));
