// The engine a run asks for where it is possible, and the one that is always possible where it is not.

import type { Engine } from './ports.ts';
import { processEngine } from './process-engine.ts';
import { Unstreamable } from './pytest/fed-pytest.ts';
import { selfTestCachedIn } from './pytest/self-test.ts';
import { streamEngine } from './stream-engine.ts';

/**
 * The stream engine; the process engine on a machine whose pytest cannot be fed. `tell` hears, a line each, what a user should know of it.
 * Self-tests that went well are kept in `cacheDirectory`.
 */
export function streamOrProcess(tell: (line: string) => void, cacheDirectory: string): Engine {
  const stream = streamEngine(tell, selfTestCachedIn(cacheDirectory));
  return {
    async open(request) {
      try {
        return await stream.open(request);
      } catch (thrown) {
        if (!(thrown instanceof Unstreamable)) throw thrown;
        tell(`a pytest for each shard, because ${thrown.message}`);
        return await processEngine().open(request);
      }
    },
  };
}
