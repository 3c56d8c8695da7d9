// `shardline audit`: measures a suite in three ways and writes the conclusions. It does not change the suite, and stops everything that it
// starts.

import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isFailure } from '../../shared/domain/outcome.ts';
import { reasonOf, ShardlineError } from '../../shared/errors.ts';
import { reportLongSteps, type Step } from '../../shared/long-step.ts';
import type { AuditSettings } from '../../shared/settings/settings.ts';
import { systemClock } from '../../shared/system/clock.ts';
import type { Edge } from '../../shared/system/edge.ts';
import { holdDirectory } from '../../shared/system/files/hold-directory.ts';
import { readSelected } from '../../shared/system/selected.ts';
import { oneLine } from '../../shared/text/safe-text.ts';
import { firstExitCode } from '../core/result/verdict.ts';
import { readBaseline } from '../record/baseline.ts';
import { prepareOut } from '../reporters/files/report-files.ts';
import { inSeconds } from '../reporters/summary/profile-text.ts';
import { auditHtml } from '../web/audit-html.ts';
import { type Audit, auditOf } from './core/audit.ts';
import { measureSuite } from './measure/measure-suite.ts';
import { auditMarkdown } from './page/md.ts';
import { auditBlocks, auditTitle, summary } from './page/page.ts';
import { worthOf } from './page/worth.ts';

/** Resolves with the exit code. Throws a ShardlineError if there is nothing to report on. */
export async function auditCommand(settings: AuditSettings, edge: Edge): Promise<number> {
  const startedAt = Math.round(performance.timeOrigin);
  const out = settings.out ?? join(settings.workspace, '.shardline', 'audit');
  const interrupted = new AbortController();
  const ignore = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => edge.onSignal(name, () => interrupted.abort(name)));
  let current: Step = { name: 'reading the suite', startedAt: systemClock.now() };
  const announceStep = (step: string): void => {
    current = { name: step, startedAt: systemClock.now() };
    if (!settings.isQuiet) edge.stderr.write(`shardline: ${inSeconds((Date.now() - startedAt) / 1000)}: ${step}\n`);
  };
  try {
    const baseline = settings.baseline === null ? null : await readBaseline(settings.baseline, edge.cwd);
    const named = settings.selected === null ? [] : await readSelected(settings.selected, edge.stdin);
    await prepareOut(out);
    await using _held = await holdDirectory(out);
    const measuring = measureSuite({
      settings,
      edge,
      out,
      baseline,
      paths: [...settings.paths, ...named],
      what: [...settings.paths, ...selectedAs(settings)],
      announceStep,
      signal: interrupted.signal,
    });
    const print = (line: string): void => void edge.stderr.write(`shardline: ${line}\n`);
    const findings = await (settings.isQuiet ? measuring : reportLongSteps(measuring, () => current, print, systemClock));
    if (findings === null) {
      edge.stdout.write('No tests were collected.\n');
      return firstExitCode([5]);
    }
    const audit = auditOf(findings);
    const paths = await writeAudit(audit, out);
    const worth = worthOf(audit);
    const next = worth === null ? [] : [`Next: \`${worth.next}\``];
    const lines = [auditTitle(audit), ...summary(audit).map((line) => `  ${line}`), ...paths, ...next];
    edge.stdout.write(lines.map((line) => `${oneLine(line)}\n`).join(''));
    return exitCodeOf(audit);
  } catch (thrown) {
    if (!interrupted.signal.aborted) throw thrown;
    edge.stderr.write(`shardline: interrupted by ${interrupted.signal.reason} before the audit was complete\n`);
    return firstExitCode([2]);
  } finally {
    for (const stop of ignore) stop();
  }
}

/** The options that name the selected list in the commands of the audit. */
const selectedAs = ({ selected, workspace }: AuditSettings): readonly string[] =>
  selected === null ? [] : ['--selected', selected === '-' ? '-' : relative(workspace, selected)];

async function writeAudit(audit: Audit, out: string): Promise<readonly string[]> {
  const blocks = auditBlocks(audit);
  const files = [
    [join(out, 'audit.md'), auditMarkdown(blocks)],
    [join(out, 'audit.html'), await auditHtml(auditTitle(audit), blocks)],
  ] as const;
  for (const [path, content] of files) {
    try {
      await writeFile(path, content);
    } catch (thrown) {
      throw new ShardlineError('output-not-writable', { path, problem: reasonOf(thrown) }, { cause: thrown });
    }
  }
  return files.map(([path]) => path);
}

/** The same codes as for a run: 1 if a test failed, 10 if one measurement was cut off, 11 if one failed. */
function exitCodeOf({ executions, sequential, parallel, sharded, before }: Audit): number {
  const measured = [...(before === null ? [sequential] : []), parallel];
  const hasFailed =
    executions.some(({ outcomes }) => [...outcomes.values()].some(isFailure)) ||
    measured.some((each) => (each?.notCollected.length ?? 0) > 0);
  const isCut = measured.some((each) => each?.isPartial) || sharded?.report.notRun.some(({ reason }) => reason === 'deadline') === true;
  return firstExitCode([
    ...(hasFailed ? [1] : []),
    ...(isCut ? [10] : []),
    ...(sharded === null || measured.includes(null) ? [11] : []),
    ...(hasFailed || isCut || sharded === null || measured.includes(null) ? [] : [0]),
  ]);
}
