// A test file as discovery found it.

import type { NodeId, TestFile } from '../../../shared/domain/ids.ts';

/** A test file; `nodeids` when the user named some of its tests (they may be a class, a test, or a test with its parameters). */
export interface DiscoveredFile {
  readonly file: TestFile;
  readonly nodeids: readonly NodeId[] | null;
}
