// Words for verdicts and not-run reasons.

import type { NotRunReason, Verdict } from '../../../shared/domain/outcome.ts';

export const verdictWords: Readonly<Record<Verdict, string>> = {
  passed: 'passed',
  failed: 'failed',
  deadline: 'deadline missed',
  incomplete: 'incomplete',
  interrupted: 'interrupted',
  'no-tests': 'no tests',
  'internal-error': 'internal error',
};

export const notRunWords: Readonly<Record<NotRunReason, string>> = {
  deadline: 'deadline reached',
  'crash-limit': 'crashed or lost too often',
  'no-agent': 'no agent left',
  maxfail: '--maxfail reached',
  cancelled: 'interrupted',
  'collect-error': 'could not be collected',
  inseparable: 'files depend on each other; run with --collect suite',
  'unmet-needs': 'no agent could run it',
};

/** The root represents all tests below it if a run ended before its files were known. */
export const notRunName = (nodeid: string): string => (nodeid === '.' ? 'the whole suite' : nodeid);
