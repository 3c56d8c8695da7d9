// The engine a run asks for where it is possible, and the one that is always possible where it is not.

import type { Engine } from './ports.ts';
import { processEngine } from './process-engine.ts';
import { Unstreamable } from './pytest/fed-pytest.ts';
import { streamEngine } from './stream-engine.ts';

/** The stream engine; the process engine on a machine whose pytest cannot be fed. `tell` hears why. */
export function streamOrProcess(tell: (why: string) => void): Engine {
  return {
    async open(request) {
      try {
        return await streamEngine().open(request);
      } catch (thrown) {
        if (!(thrown instanceof Unstreamable)) throw thrown;
        tell(thrown.message);
        return await processEngine().open(request);
      }
    },
  };
}
