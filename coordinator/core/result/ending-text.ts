// Words for verdicts and not-run reasons.

import type { NotRunReason, Verdict } from '../../../shared/domain/outcome.ts';
import type { NotRun } from '../../../shared/domain/report.ts';
import { oneLine } from '../../../shared/text/safe-text.ts';

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
  'no-agent': 'no agent was available',
  maxfail: '--maxfail reached',
  cancelled: 'interrupted',
  'collect-error': 'could not be collected',
  inseparable: 'files depend on each other; run with --collect suite',
  'unmet-needs': 'no agent could run it',
};

/** Why a test or file was not run: `no agent could run it: it needs the label gpu`. */
export const notRunText = ({ reason, lacks }: Pick<NotRun, 'reason' | 'lacks'>): string =>
  lacks === undefined ? notRunWords[reason] : `${notRunWords[reason]}: it needs ${oneLine(lacks)}`;

/** The root represents all tests below it if a run ended before its files were known. */
export const notRunName = (nodeid: string): string => (nodeid === '.' ? 'the whole suite' : nodeid);
