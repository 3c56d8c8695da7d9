// Converts a finished report into the page's data. page-columns.ts fills the columns of tests.

import type { NotRun, Report } from '../../shared/domain/report.ts';
import { harmless, plural } from '../../shared/text/safe-text.ts';
import { notRunName, notRunText } from '../core/result/ending-text.ts';
import { needsText } from '../core/result/needs-text.ts';
import type { Places } from '../report-places.ts';
import { nextSteps } from './next-steps.ts';
import { growColumns, tenths } from './page-columns.ts';
import { nameIn, type PageData, sessionName } from './page-data.ts';

export function pageData(report: Report, places: Places): PageData {
  const startedAt = Date.parse(report.startedAt);
  const growing = growColumns(startedAt);
  for (const test of report.tests) growing.add(test);
  for (const { file, nodeid, message } of report.collectErrors) growing.addCollectError(file, nodeid, message);
  for (const { agent, message } of report.sessionErrors) growing.addCollectError(sessionName(agent), sessionName(agent), message);
  const notRun = report.notRun.map((missing) => {
    const { nodeid, kind, predictedSeconds } = missing;
    const file = kind === 'file' ? notRunName(nodeid) : (nodeid.split('::', 1)[0] ?? '');
    return [kind === 'file' ? '' : nameIn(nodeid, file), growing.file(file), notRunWhy(missing), tenths(predictedSeconds * 1000)] as const;
  });
  return {
    runId: report.runId,
    verdict: report.verdict,
    exitCode: report.exitCode,
    startedAt,
    finishedAt: Date.parse(report.finishedAt) - startedAt,
    about: aboutOf(report),
    next: nextSteps(report, places),
    command: harmless(report.origin?.command ?? ''),
    job: report.origin?.job ?? null,
    recorded: report.agents.flatMap(({ id }) => {
      const found = places.recorded(id);
      return found === null ? [] : [[id, found.folder, found.agent] as const];
    }),
    deadline: report.deadline === null ? null : { ...report.deadline, atMs: report.deadline.seconds * 1000 },
    totals: report.totals,
    profile: report.profile,
    agents: report.agents.map((agent) => ({
      ...agent,
      why: agent.why === null ? null : harmless(agent.why),
      differences: agent.differences.map(harmless),
    })),
    targets: report.targets,
    baseline: report.comparison === null ? null : harmless(report.comparison.baseline),
    newFailures: newFailuresOf(report),
    sessionErrors: report.sessionErrors.length,
    partProblems: [
      ...report.partProblems.map(harmless),
      ...report.missingMessages.map(({ agent, messages }) => `${plural(messages, 'message')} of agent ${harmless(agent)} missing`),
    ],
    notRun,
    waits: report.waits.map(({ shard, labels, resources, startedAt: at, seconds }) => {
      const what = needsText({ labels, resources: resources.map((name) => ({ name, units: 1 })) });
      return [shard, harmless(what), tenths(Date.parse(at) - startedAt), tenths(seconds * 1000)] as const;
    }),
    properties: report.tests.flatMap(({ properties = [] }, index) =>
      properties.length === 0 ? [] : [[index, ...properties.flatMap(({ name, value }) => [harmless(name), harmless(value)])] as const],
    ),
    ...historyRows(report),
    shown: harmlessShown(report),
    ...growing.columns,
  };
}

/** `shop`, `branch main`, `commit 1234567890ab`, `Python 3.12`, `pytest 9.2.0`. */
export function aboutOf({ fingerprint, origin }: Report): readonly string[] {
  const { git } = fingerprint?.files ?? { git: null };
  const python = fingerprint?.python ?? null;
  const changed = git === null || git.changedFiles === 0 ? '' : ` with changes in ${plural(git.changedFiles, 'file')}`;
  const versions = ['pytest', 'pytest-xdist'].flatMap((name) =>
    python?.plugins[name] === undefined ? [] : `${name} ${python.plugins[name]}`,
  );
  return [
    ...(origin === null ? [] : [origin.project]),
    ...(origin === null || origin.branch === null ? [] : [`branch ${origin.branch}`]),
    ...(git === null ? [] : [`commit ${git.commit.slice(0, 12)}${changed}`]),
    ...(python === null ? [] : [python.python.replace(/^cpython /, 'Python '), python.platform]),
    ...versions,
  ].map(harmless);
}

/** `deadline reached`, `deadline reached: 12 tests`. */
function notRunWhy(missing: NotRun): string {
  const { tests } = missing;
  const why = notRunText(missing);
  if (tests === 1) return why;
  return `${why}: ${tests === null ? 'at least 1 test' : plural(tests, 'test')}`;
}

function newFailuresOf({ tests, comparison }: Report): readonly number[] | null {
  if (comparison === null) return null;
  const named = new Set(comparison.newFailures);
  return tests.flatMap(({ nodeid }, index) => (named.has(nodeid) ? [index] : []));
}

/** Tests that share a node id share the history of the first. */
function historyRows({ tests, history }: Report): Pick<PageData, 'unstable' | 'usualMs'> {
  if (history === null) return { unstable: [], usualMs: [] };
  const named = new Set([...history.unstable, ...history.slowest].map(({ nodeid }) => nodeid));
  const rows = new Map<string, number>();
  tests.forEach(({ nodeid }, row) => {
    if (named.has(nodeid) && !rows.has(nodeid)) rows.set(nodeid, row);
  });
  return {
    unstable: history.unstable.flatMap(({ nodeid, lastRuns }) => pairOf(rows.get(nodeid), lastRuns)),
    usualMs: history.slowest.flatMap(({ nodeid, usualSeconds }) =>
      usualSeconds === null ? [] : pairOf(rows.get(nodeid), tenths(usualSeconds * 1000)),
    ),
  };
}

const pairOf = <Value>(row: number | undefined, value: Value): readonly (readonly [number, Value])[] =>
  row === undefined ? [] : [[row, value]];

function harmlessShown({ warnings, deselected, sessions }: Report): PageData['shown'] {
  return {
    warnings: warnings.map(({ category, message, file, places, ...counts }) => ({
      ...counts,
      category: harmless(category),
      message: harmless(message),
      file: harmless(file),
      places: places.map(({ place, count }) => ({ place: harmless(place), count })),
    })),
    deselected,
    sessions: sessions.map(({ agent, header, sections }) => ({
      agent,
      header: header.map(harmless),
      sections: sections.map(({ title, text }) => ({ title: harmless(title), text: harmless(text) })),
    })),
  };
}
