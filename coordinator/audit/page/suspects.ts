// Formats the tests that an audit found to depend on each other, and the marks that make them run alone.

import { plural } from '../../../shared/text/safe-text.ts';
import type { Block, Inline } from '../../web/audit-data.ts';
import type { Audit } from '../core/audit.ts';
import type { Suspect } from '../core/isolation.ts';
import { code, heading, table, words } from './blocks.ts';

/** Maximum number of tests of one kind to name. */
const NAMED = 20;

const kindWords: Readonly<Record<Suspect['kind'], string>> = {
  parallel:
    'Fail when other tests run in parallel, and pass alone. They share something: a file, a port, a row. Until you fix that, let them run alone:',
  alone: 'Pass after other tests, and fail alone: they depend on the state that earlier tests leave.',
  first: 'Fail after other tests, and pass alone: earlier tests leave state that breaks them.',
  flaky: 'Differ between executions without a clear pattern: flaky, or dependent on timing or order.',
};

export function suspectBlocks(audit: Audit): readonly Block[] {
  const { suspects, executions, alwaysFailing } = audit;
  const blocks: Block[] = [heading('Tests that depend on each other')];
  if (suspects.length === 0) blocks.push(words(`None: every test had the same outcome in ${plural(executions.length, 'execution')}.`));
  for (const [kind, found] of Map.groupBy(suspects, (suspect) => suspect.kind)) {
    blocks.push(
      words(kindWords[kind]),
      ...table(
        ['test', 'failed', 'passed'],
        found.slice(0, NAMED).map(({ nodeid, failed, passed }) => [code(nodeid), failed.join(', '), passed.join(', ') || 'never']),
        [1, 2],
      ),
      ...(found.length > NAMED ? [words(`and ${found.length - NAMED} more.`)] : []),
    );
    if (kind === 'parallel') blocks.push({ kind: 'code', language: 'python', text: serialMarks(found.slice(0, NAMED)) });
  }
  if (alwaysFailing.length > 0) {
    const named = alwaysFailing.slice(0, NAMED).flatMap((id, index): Inline[] => [index === 0 ? '' : ', ', code(id)]);
    const more = alwaysFailing.length > NAMED ? ` and ${alwaysFailing.length - NAMED} more` : '';
    blocks.push(words(`Failed in every execution, so isolation is not the cause: `, ...named, `${more}.`));
  }
  return blocks;
}

/** The mark to write above each test function, listed once per function and not per parameter. */
function serialMarks(suspects: Audit['suspects']): string {
  const places = new Map<string, string>();
  for (const { nodeid, line } of suspects) {
    const [test = ''] = nodeid.split('[', 1);
    const [file = '', ...names] = test.split('::');
    places.set(test, `# ${file}${line === null ? '' : `:${line}`}\n@pytest.mark.serial\ndef ${names.at(-1) ?? ''}(`);
  }
  return [...places.values()].map((place) => `${place}…`).join('\n\n');
}
