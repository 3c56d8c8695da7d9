// Every test of the repository: `npx vitest run --config test/vitest.config.ts`, or one folder of it by its path.
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Without durations of an earlier run, vitest starts the largest files first. These are small and take longest, and must not be what is left at the end. */
const isLong = ({ moduleId }: TestSpecification): boolean => /\/test\/(oracle|chaos)\//.test(moduleId);

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

/** Tests without processes and servers share a worker, which takes half of the processor time (measured). */
const inOneWorker = ['test/architecture/**/*.test.ts', 'test/unit/**/*.test.ts', 'test/property/**/*.test.ts'];

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    projects: [
      { extends: true, test: { name: 'unit', include: inOneWorker, isolate: false } },
      {
        extends: true,
        test: { name: 'program', include: ['test/**/*.test.ts'], exclude: inOneWorker, globalSetup: 'test/support/bundled-program.ts' },
      },
    ],
    sequence: { sequencer: LongestFirst },
    // For two cores: most files wait for a server or an agent half of their time (measured).
    maxWorkers: 4,
    maxConcurrency: 2,
    testTimeout: 240_000,
    // What is waited for comes in its own time, on a loaded machine too.
    expect: { poll: { timeout: 60_000 } },
    hookTimeout: 240_000,
    teardownTimeout: 10_000,
  },
});
