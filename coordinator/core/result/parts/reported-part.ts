// Reports which part of a suite a run ran, with what the merge of all parts compares.

import type { TestFile } from '../../../../shared/domain/ids.ts';
import type { ReportedPart } from '../../../../shared/domain/part.ts';
import { compareText } from '../../../../shared/text/compare-text.ts';
import { textDigest } from '../../../../shared/text/text-digest.ts';
import type { RunState } from '../../state/run-state.ts';

/** null for a run of the whole suite. */
export function reportedPart(state: RunState): ReportedPart | null {
  const { opened, acceptsNoTests } = state;
  if (opened.part === null) return null;
  const { flakyFails, spec } = opened;
  return {
    ...opened.part,
    own: ownFiles(state, opened.part.own),
    acceptsNoTests,
    flakyFails,
    fingerprintPolicy: spec.fingerprintPolicy,
    list: reportedList(state),
  };
}

/**
 * The files that the run was to run: a collection of the whole list may have bound others to them. Files of the part in which the list has
 * nothing to run, such as an empty file, are still in this part.
 */
function ownFiles({ shards, suite: { list } }: RunState, planned: readonly TestFile[]): readonly TestFile[] {
  const listed = new Set(list === null ? planned : [...list.groups.map(({ file }) => file), ...list.others]);
  const own = [...shards.values()].flatMap(({ files }) => [...files.keys()]);
  return [...new Set([...own, ...planned.filter((file) => !listed.has(file))])].sort(compareText);
}

function reportedList({ suite: { list } }: RunState): ReportedPart['list'] {
  if (list === null) return null;
  const tests = list.groups.flatMap(({ nodeids }) => nodeids).sort(compareText);
  return { tests: tests.length, digest: textDigest(tests) };
}
