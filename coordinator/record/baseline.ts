// Reads an earlier run to compare with: the output of a shardline run, or a JUnit file of any pytest runner.

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { create } from 'xmlbuilder2';
import type { XMLBuilder } from 'xmlbuilder2/lib/interfaces.js';
import type { Report } from '../../shared/domain/report.ts';
import { reasonOf, ShardlineError } from '../../shared/errors.ts';
import type { Baseline, PastTest } from '../core/result/compare.ts';
import { junitKey, namesOf } from '../core/result/junit-id.ts';
import { readFinishedRun } from './finished-run.ts';

/** Throws `not-a-result`. */
export async function readBaseline(name: string, cwd: string): Promise<Baseline> {
  return name.endsWith('.xml') ? await readJunit(name, resolve(cwd, name)) : baselineOf((await readFinishedRun(name, cwd)).report, name);
}

export const baselineOf = (report: Report, name: string): Baseline => ({
  name,
  tests: new Map(report.tests.map(({ nodeid, outcome, seconds }) => [nodeid, { outcome, seconds }])),
  keyOf: (nodeid) => nodeid,
});

async function readJunit(name: string, path: string): Promise<Baseline> {
  const tests = new Map<string, PastTest>();
  try {
    const text = await readFile(path, 'utf8');
    // Test runners never write entity declarations, and these can expand a small file into a huge one.
    if (/<!DOCTYPE/i.test(text)) throw new Error('it has a document type');
    const document = create(text);
    let cases = 0;
    document.each(
      (node) => {
        if (nameOf(node) !== 'testcase') return;
        cases += 1;
        const found = pastTest(node);
        if (found !== null) tests.set(found.key, found.past);
      },
      false,
      true,
    );
    if (cases === 0 && nameOf(document.root()) !== 'testsuites') throw new Error('it has no testcase');
  } catch (thrown) {
    throw new ShardlineError('not-a-result', { path, problem: reasonOf(thrown) }, { cause: thrown });
  }
  return { name, tests, keyOf: (nodeid) => junitKey(namesOf(nodeid)) };
}

/** null for a case that is no test or was not run; a file that could not be collected has no class. */
function pastTest(testcase: XMLBuilder): { readonly key: string; readonly past: PastTest } | null {
  const children = new Map<string, XMLBuilder>();
  testcase.each((child) => void children.set(nameOf(child), child));
  const skipped = children.get('skipped');
  if (skipped !== undefined && attribute(skipped, 'type') === 'shardline.not-run') return null;
  const classname = attribute(testcase, 'classname') ?? '';
  if (classname === '' && children.has('error')) return null;
  const outcome = children.has('failure') ? 'failed' : children.has('error') ? 'error' : skipped === undefined ? 'passed' : 'skipped';
  const seconds = Number.parseFloat(attribute(testcase, 'time') ?? '');
  const key = junitKey({ classname, name: attribute(testcase, 'name') ?? '' });
  return { key, past: { outcome, seconds: Number.isFinite(seconds) ? seconds : null } };
}

const nameOf = ({ node }: XMLBuilder): string => node.nodeName;

function attribute({ node }: XMLBuilder, name: string): string | null {
  return 'getAttribute' in node && typeof node.getAttribute === 'function' ? (node.getAttribute(name) as string | null) : null;
}
