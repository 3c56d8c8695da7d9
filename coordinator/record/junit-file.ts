// Reads the tests of a JUnit file of shardline, pytest or another runner of pytest.

import type { PastTest } from '../core/result/compare.ts';
import { junitKey } from '../core/result/junit-id.ts';
import { readXmlTags, type XmlAttributes } from './xml-tags.ts';

/** A `testcase` element with its children by name. */
interface Testcase {
  readonly attributes: XmlAttributes;
  readonly children: Map<string, XmlAttributes>;
}

/** Returns the tests by `junitKey`. Throws if the file cannot be read or is no JUnit file. */
export async function readJunitFile(path: string): Promise<ReadonlyMap<string, PastTest>> {
  const tests = new Map<string, PastTest>();
  let root: string | null = null;
  let cases = 0;
  let current: Testcase | null = null;
  await readXmlTags(path, {
    open(name, attributes, parent) {
      root ??= name;
      if (name === 'testcase') current = { attributes, children: new Map() };
      else if (parent === 'testcase') current?.children.set(name, attributes);
    },
    close(name) {
      if (name !== 'testcase' || current === null) return;
      cases += 1;
      const found = pastTest(current);
      if (found !== null) tests.set(found.key, found.past);
      current = null;
    },
  });
  if (cases === 0 && root !== 'testsuites') throw new Error('it has no testcase');
  return tests;
}

/** null for a case that is no test or was not run; a file that could not be collected has no class. */
function pastTest({ attributes, children }: Testcase): { readonly key: string; readonly past: PastTest } | null {
  const skipped = children.get('skipped');
  if (skipped?.type === 'shardline.not-run') return null;
  const classname = attributes.classname ?? '';
  if (classname === '' && children.has('error')) return null;
  const outcome = children.has('failure') ? 'failed' : children.has('error') ? 'error' : skipped === undefined ? 'passed' : 'skipped';
  const seconds = Number.parseFloat(attributes.time ?? '');
  const key = junitKey({ classname, name: attributes.name ?? '' });
  return { key, past: { outcome, seconds: Number.isFinite(seconds) ? seconds : null } };
}
