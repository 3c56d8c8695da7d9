// Every test of the repository: `npx vitest run --config test/vitest.config.ts`, or one folder of it by its path.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    include: ['test/**/*.test.ts'],
    // Two cores and real servers: files side by side would measure each other.
    maxWorkers: 2,
    maxConcurrency: 2,
    testTimeout: 240_000,
    // What is waited for comes in its own time, on a loaded machine too.
    expect: { poll: { timeout: 60_000 } },
    hookTimeout: 240_000,
    teardownTimeout: 10_000,
  },
});
