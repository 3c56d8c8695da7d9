// The engine a run asks for where it is possible, and the one that is always possible where it is not.

import type { Engine } from './ports.ts';
import { processEngine } from './process-engine.ts';
import { Unstreamable } from './pytest/fed-pytest.ts';
import { streamEngine } from './stream-engine.ts';

/** The stream engine; the process engine on a machine whose pytest cannot be fed. `tell` hears, a line each, what a user should know of it. */
export function streamOrProcess(tell: (line: string) => void): Engine {
  return {
    async open(request) {
      try {
        return await streamEngine(tell).open(request);
      } catch (thrown) {
        if (!(thrown instanceof Unstreamable)) throw thrown;
        tell(`a pytest for each shard, because ${thrown.message}`);
        return await processEngine().open(request);
      }
    },
  };
}
