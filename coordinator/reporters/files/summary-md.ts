// Writes `summary.md`, the summary of a CI job.

import { isFailure } from '../../../shared/domain/outcome.ts';
import { isMerged, type Report, type ReportedAttempt } from '../../../shared/domain/report.ts';
import { sumUp } from '../../../shared/text/brief.ts';
import { leastOf, plural } from '../../../shared/text/safe-text.ts';
import { shellCommand } from '../../../shared/text/shell-quote.ts';
import { notRunName, notRunWords, verdictWords } from '../../core/result/ending-text.ts';
import { splitErrors } from '../../core/result/late-errors.ts';
import { countNotRun } from '../../core/result/not-run.ts';
import type { Places } from '../../report-places.ts';
import { nextSteps } from '../../web/next-steps.ts';
import { aboutOf } from '../../web/report-page.ts';
import { agentProblem, agentsWords, MISSING_WHY, rejectionWords } from '../summary/agent-text.ts';
import { comparisonWords, valueWords } from '../summary/judgement-text.ts';
import { boundWords, inSeconds, speedWords, timeWords } from '../summary/profile-text.ts';
import { absenceWords } from '../text/absence-text.ts';
import { cutWords } from '../text/cut-text.ts';
import { lastRunsWords } from '../text/last-runs.ts';
import { codeSpan as code, codeCell, fenced } from '../text/markdown.ts';
import { timelineText } from './timeline-text.ts';

/** Maximum number of failures shown in full. CI systems cap the size of a summary. */
const SHOWN = 20;
const MESSAGE_CHARS = 4000;
/** How many failures the command to reproduce them names. */
const REPRODUCED = 3;
const SLOWEST = { count: 10, leastSeconds: 0.1 } as const;

export function summaryMarkdown(report: Report, places: Places): string {
  const { totals } = report;
  const { collecting, late } = splitErrors(report);
  const sections = [
    [`## shardline: ${verdictWords[report.verdict]}`],
    [
      '| expected | passed | failed | error | skipped | xfailed | xpassed | flaky | not run |',
      '|---|---|---|---|---|---|---|---|---|',
      `| ${[totals.expected, totals.passed, totals.failed, totals.error, totals.skipped, totals.xfailed, totals.xpassed, totals.flaky, leastOf(totals.notRun, totals.notRunIsLeast)].join(' | ')} |`,
    ],
    origin(report),
    targets(report),
    comparison(report),
    ...collecting
      .slice(0, SHOWN)
      .map(({ nodeid, message }) => [`Could not collect ${code(nodeid)}:`, '', fenced(message, 'text', MESSAGE_CHARS)]),
    ...late
      .slice(0, SHOWN)
      .map(({ nodeid, message }) => [`Error at teardown of ${code(nodeid)}:`, '', fenced(message, 'text', MESSAGE_CHARS)]),
    ...report.sessionErrors.map(({ agent, message }) => [
      `pytest failed at the end of its session on ${code(agent)}:`,
      '',
      fenced(message, 'text', MESSAGE_CHARS),
    ]),
    ...failures(report),
    report.textsCut === 0 ? [] : [`- cut: ${cutWords(report.textsCut)}`],
    again(report, places),
    flaky(report),
    unstable(report),
    notRun(report),
    report.missingMessages.map(({ agent, messages }) => `- missing ${plural(messages, 'message')} of agent ${code(agent)}: ${MISSING_WHY}`),
    report.partProblems.map((problem) => `- the parts do not cover the suite: ${code(problem)}`),
    agents(report),
    rejectionWords(report).map((words) => `- rejected: ${code(words)}`),
    report.absent.map((absence) => `- not joined: ${code(absenceWords(absence))}`),
    slowest(report),
    timeline(report),
    [
      `${agentsWords(report)}, ${plural(report.shards.length, 'shard')}; ran tests for ${inSeconds(report.profile.makespanSeconds)}${isMerged(report) ? ', the sum of the merged runs' : ''}; exit code ${report.exitCode}.`,
    ],
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

/** What was tested, and the command as typed. */
function origin(report: Report): string[] {
  const about = aboutOf(report).map(code).join(' · ');
  const command = report.origin?.command ?? '';
  return [...(about === '' ? [] : [`- tested: ${about}`]), ...(command === '' ? [] : [`- command: ${code(command)}`])];
}

/** How to reproduce the first failures, and what to do next. */
function again(report: Report, places: Places): string[] {
  const failed = report.tests.filter(({ outcome }) => isFailure(outcome));
  const last = failed[0]?.attempts.at(-1);
  const recorded = last === undefined ? null : places.recorded(last.agent);
  const alone = shellCommand(['pytest', ...failed.slice(0, REPRODUCED).map(({ nodeid }) => nodeid)]);
  return [
    ...(failed.length === 0 ? [] : [`- reproduce${failed.length > REPRODUCED ? ` the first ${REPRODUCED}` : ''}: ${code(alone)}`]),
    ...(recorded === null || last === undefined
      ? []
      : [
          `- after the tests before it: ${code(shellCommand(['shardline', 'replay', recorded.folder, '--agent', recorded.agent, '--worker', last.worker]))}`,
        ]),
    ...nextSteps(report, places).map((step) => `- next: ${step}`),
  ];
}

function targets({ targets: judged }: Report): string[] {
  if (judged === null) return [];
  return [
    '| target | measured | |',
    '|---|---|---|',
    ...judged.map((target) => `| ${codeCell(target.target)} | ${valueWords(target)} | ${target.met ? 'met' : '**missed**'} |`),
  ];
}

function comparison({ comparison: compared }: Report): string[] {
  if (compared === null) return [];
  const list = (word: string, ids: readonly string[]): string[] =>
    ids.length === 0
      ? []
      : [`- ${word}: ${ids.slice(0, SHOWN).map(code).join(', ')}${ids.length > SHOWN ? ` and ${ids.length - SHOWN} more` : ''}`];
  return [
    `Compared with ${code(compared.baseline)}: ${comparisonWords(compared)}.`,
    '',
    ...list('new failures', compared.newFailures),
    ...list('fixed', compared.fixed),
    ...list('vanished', compared.vanished),
    ...list(
      'newly slow',
      compared.newlySlow.map(({ nodeid }) => nodeid),
    ),
  ];
}

function failures(report: Report): string[][] {
  const failed = report.tests.filter((test) => isFailure(test.outcome));
  return [
    ...failed
      .slice(0, SHOWN)
      .map((test) => [
        `${test.outcome} ${code(test.nodeid)}: ${briefly(test.attempts.at(-1))}`,
        '',
        fenced(test.attempts.at(-1)?.message ?? '', 'text', MESSAGE_CHARS),
      ]),
    ...(failed.length > SHOWN ? [[`and ${plural(failed.length - SHOWN, 'more failure')}.`]] : []),
  ];
}

function briefly(attempt: ReportedAttempt | undefined): string {
  const brief = attempt === undefined ? '' : sumUp(attempt.message ?? '', attempt.brief);
  return brief === '' ? '' : code(brief.slice(0, MESSAGE_CHARS));
}

function flaky(report: Report): string[] {
  const tests = report.tests.filter((test) => test.flaky).map(({ nodeid }) => nodeid);
  if (tests.length === 0) return [];
  return [`- flaky: ${tests.slice(0, SHOWN).map(code).join(', ')}${tests.length > SHOWN ? ` and ${tests.length - SHOWN} more` : ''}`];
}

/** A test that is flaky in this run is already listed as that. */
function unstable({ tests, history }: Report): string[] {
  const isFlaky = new Set(tests.filter((test) => test.flaky).map(({ nodeid }) => nodeid));
  const listed = history?.unstable.filter(({ nodeid }) => !isFlaky.has(nodeid)) ?? [];
  return [
    ...listed.slice(0, SHOWN).map(({ nodeid, lastRuns }) => `- unstable: ${code(nodeid)} ${lastRunsWords(lastRuns)}`),
    ...(listed.length > SHOWN ? [`- and ${listed.length - SHOWN} more unstable tests`] : []),
  ];
}

const notRun = (report: Report): string[] =>
  [...Map.groupBy(report.notRun, ({ reason }) => reason)].map(([reason, missing]) => {
    const all = countNotRun(missing);
    const more = countNotRun(missing.slice(SHOWN));
    const shown = missing
      .slice(0, SHOWN)
      .map(
        ({ nodeid, kind, tests }) => `${code(notRunName(nodeid))}${kind === 'file' && tests !== null ? ` (${plural(tests, 'test')})` : ''}`,
      );
    const rest = more.notRun > 0 ? ` and ${leastOf(more.notRun, more.notRunIsLeast)} more` : '';
    return `- ${leastOf(all.notRun, all.notRunIsLeast)} not run (${notRunWords[reason]}): ${shown.join(', ')}${rest}`;
  });

const agents = ({ agents: all }: Report): string[] =>
  all.flatMap((agent) => {
    const what = agentProblem(agent);
    const how = agent.why === null ? 'warning' : (agent.ended ?? 'lost');
    return what === null ? [] : [`- agent ${code(agent.id)} on ${code(agent.host)} ${how}: ${code(what)}`];
  });

function slowest(report: Report): string[] {
  const tests = report.tests.filter(({ seconds }) => seconds >= SLOWEST.leastSeconds).sort((left, right) => right.seconds - left.seconds);
  if (tests.length === 0) return [];
  return [
    '| slowest tests | |',
    '|---|---|',
    ...tests.slice(0, SLOWEST.count).map(({ nodeid, seconds }) => `| ${codeCell(nodeid)} | ${inSeconds(seconds)} |`),
  ];
}

function timeline(report: Report): string[] {
  const lines = timelineText(report);
  return lines.length === 0 ? [] : ['When each xdist worker ran tests:', '', fenced(lines.join('\n')), '', ...profileWords(report)];
}

const profileWords = (report: Report): string[] =>
  report.profile.breakdown === null ? [] : [`- ${timeWords(report)}`, `- ${speedWords(report)}`, `- ${boundWords(report)}`];
