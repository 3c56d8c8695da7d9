// The outcomes of each command by node id, and how they differ from those of plain pytest.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { decodeReport } from '../../shared/wire/report/report.ts';
import { compare, type Outcomes } from '../equality/outcomes.ts';
import type { Peer } from './peers.ts';
import type { Observation } from './results.ts';

const recorder = fileURLToPath(new URL('../../test/support', import.meta.url));
const SHOWN_EXAMPLES = 5;

/** Options and environment with which a command writes its outcomes to `file`. */
export function recording({ outcomes }: Peer, file: string): { own: readonly string[]; env: Readonly<Record<string, string>> } {
  return outcomes === 'recorder'
    ? { own: ['-p', 'record_outcomes'], env: { RECORD_OUTCOMES: file, PYTHONPATH: recorder } }
    : { own: [outcomes.option, file], env: {} };
}

/** Reads what the command wrote. Throws if it wrote nothing. */
export async function readOutcomes({ outcomes }: Peer, file: string): Promise<Outcomes> {
  const text = await readFile(file, 'utf8');
  if (outcomes === 'recorder') {
    return new Map(Object.entries((JSON.parse(text) as { outcomes: Readonly<Record<string, string>> }).outcomes));
  }
  if (outcomes.option === '--json') return new Map(decodeReport(text, file).tests.map(({ nodeid, outcome }) => [nodeid, outcome]));
  const { tests } = JSON.parse(text) as { tests: Readonly<Record<string, Phases>> };
  return new Map(Object.entries(tests).map(([nodeid, phases]) => [nodeid, outcomeOf(phases)]));
}

/** What rstest writes of a test: pytest's outcome of each phase that ran. */
export interface Phases {
  readonly setup?: string;
  readonly call?: string;
  readonly teardown?: string;
  readonly wasxfail?: boolean;
}

/** The category in which pytest counts such a test. */
export function outcomeOf({ setup, call, teardown, wasxfail = false }: Phases): string {
  if (call === 'failed') return 'failed';
  if (setup === 'failed' || teardown === 'failed') return 'error';
  if (setup === 'skipped' || call === 'skipped') return wasxfail ? 'xfailed' : 'skipped';
  return wasxfail ? 'xpassed' : 'passed';
}

export function parity(plain: Outcomes, own: Outcomes): Pick<Observation, 'tests' | 'differing' | 'examples'> {
  const differing = compare(plain, own);
  const examples = differing.slice(0, SHOWN_EXAMPLES);
  return {
    tests: own.size,
    differing: differing.length,
    examples: examples.map((id) => `${id}: pytest ${plain.get(id) ?? 'has none'}, here ${own.get(id) ?? 'none'}`),
  };
}
