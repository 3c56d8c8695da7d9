// Defines a test file as discovery reports it.

import type { NodeId, TestFile } from '../../../shared/domain/ids.ts';

/** A test file. `nodeids` is set if the user named some of its tests: a class, a test, or a test with its parameters. */
export interface DiscoveredFile {
  readonly file: TestFile;
  readonly nodeids: readonly NodeId[] | null;
}
