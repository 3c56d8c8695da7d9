// Limits the text that a run keeps of its tests, so that every form of its report can be written.

import { constants } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { merge } from '../../../coordinator/core/result/merge.ts';
import { mergeReports } from '../../../coordinator/core/result/parts/merge-reports.ts';
import type { CoordinatorEvent } from '../../../coordinator/core/state/events.ts';
import { reduce } from '../../../coordinator/core/state/reduce.ts';
import { openRun } from '../../../coordinator/core/state/run-state.ts';
import { escapedLength, fitTexts, newTextBudget, TEXT_BUDGET } from '../../../coordinator/core/state/text-budget.ts';
import { NO_PLACES } from '../../../coordinator/report-places.ts';
import { junitXml } from '../../../coordinator/reporters/files/junit.ts';
import { pageData } from '../../../coordinator/web/report-page.ts';
import { encodeReport } from '../../../shared/wire/report/report.ts';
import { sampleReport, sampleTest } from '../report/sample-report.ts';
import { a1, collected, collectFailed, ended, enqueued, finished, joined, opened, reported, shardOf, started } from './run-kit.ts';

const texts = (message: string | null, output = '') => ({ message, sections: output === '' ? [] : [{ title: 'stdout', text: output }] });

describe('fitTexts', () => {
  test('keeps texts whole while there is room, then the end of each traceback, then one line', () => {
    const budget = newTextBudget({ wholeChars: 5000, shortChars: 2500 });
    const long = `head${'x'.repeat(3990)}tail!!`;
    expect(fitTexts(budget, texts(long))).toEqual(texts(long));
    const short = fitTexts(budget, texts(long, 'o'.repeat(500)));
    expect(short.sections).toEqual([]);
    expect(short.message).toMatch(/^\[… 3506 characters of traceback and output were cut: .*\]\nx{994}tail!!$/);
    expect(fitTexts(budget, texts(long)).message).toHaveLength(short.message?.length ?? 0);
    expect(fitTexts(budget, texts(long)).message).toMatch(/^\[… 3900 characters .*\]\nx{94}tail!!$/);
    expect(fitTexts(budget, texts('E   boom'))).toEqual(texts('E   boom'));
    expect(budget.cut).toBe(3);
  });

  test('marks the cut output of a test without a traceback, and splits no character', () => {
    const budget = newTextBudget({ wholeChars: 0, shortChars: 0 });
    expect(fitTexts(budget, texts(null, 'output')).message).toMatch(/^\[… 12 characters/);
    expect(fitTexts(budget, texts('😀'.repeat(60) + 'x'.repeat(61))).message?.isWellFormed()).toBe(true);
    expect(fitTexts(budget, texts(null))).toEqual(texts(null));
  });

  test('counts at least the length of any text in JSON, a page and XML', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc.constantFrom('', '<', '&', '\u0000', '\u2028', '\ud800', '\uffff'),
        (text, more) => {
          const message = text + more.repeat(50);
          const forms = (said: string): readonly number[] => {
            const report = sampleReport([sampleTest('t.py::test', 'skipped', `E ${said}`)]);
            const page = JSON.stringify(pageData(report, NO_PLACES).texts).replaceAll('<', '\\u003c');
            // The text of the attribute is in the body too, and has its own limit.
            return [[...encodeReport(report)].join('').length, page.length, junitXml(report).replace(/ message="[^"]*"/, '').length];
          };
          const empty = forms('');
          for (const [index, length] of forms(message).entries())
            expect(length - (empty[index] ?? 0)).toBeLessThanOrEqual(escapedLength(message));
        },
      ),
    );
  });

  test('leaves a quarter of the longest possible string to everything else', () => {
    // JUnit repeats up to 500 characters of a message in an attribute: at worst a whole text of that length, and half of a short one.
    const { wholeChars, shortChars } = TEXT_BUDGET;
    expect(2 * wholeChars + 1.5 * shortChars).toBeLessThan(0.75 * constants.MAX_STRING_LENGTH);
  });
});

describe('a run', () => {
  const file = 'test_a.py';
  const ids = ['test_a.py::test_1', 'test_a.py::test_2', 'test_a.py::test_3'];
  const said = `head${'x'.repeat(1990)}tail!!`;
  const failing = (id: string): CoordinatorEvent => {
    const event = finished(id, 'failed');
    return reported(a1, 1, 1, event.kind === 'test-finished' ? { ...event, result: { ...event.result, message: said } } : event);
  };
  const begun = (limits: { readonly wholeChars: number; readonly shortChars: number }) => {
    const state = openRun(opened([shardOf(1, [file])]));
    Object.assign(state.texts, limits);
    for (const event of [joined(a1), enqueued(1), started(a1, 1), reported(a1, 1, 1, collected(file, ids))]) reduce(state, event);
    return state;
  };
  const finish = { finishedAt: 9000, mergeSeconds: 0 };

  test('counts each cut text once, even when it arrives twice, and gives the same report when merged again', () => {
    const state = begun({ wholeChars: 2000, shortChars: 0 });
    for (const id of [...ids, ...ids]) reduce(state, failing(id));
    const report = merge(state, finish);
    expect(report.tests.map(({ attempts }) => attempts[0]?.message?.length)).toEqual([2000, expect.any(Number), expect.any(Number)]);
    expect(report.tests[2]?.attempts[0]?.message).toMatch(/^\[… 1900 characters .*tail!!$/s);
    expect(report.textsCut).toBe(2);
    expect(merge(state, finish)).toEqual(report);
    expect(mergeReports([report, report]).textsCut).toBe(4);
  });

  test('also cuts collection errors and the errors of tests without a result', () => {
    const state = begun({ wholeChars: 0, shortChars: 0 });
    reduce(state, reported(a1, 1, 1, collectFailed('test_b.py', said)));
    for (const fence of [1, 2, 3]) {
      reduce(state, enqueued(1, fence));
      reduce(state, ended(a1, 1, fence, { kind: 'crashed', exitCode: 1, signal: null, running: null, detail: said }));
    }
    reduce(state, { kind: 'run-closed', at: 9000, why: { kind: 'done' } });
    const record = state.shards.values().next().value;
    if (record?.state.kind === 'open') record.state = { kind: 'given-up', attempts: record.state.attempts, why: 'crash-limit' };
    const report = merge(state, finish);
    expect(report.collectErrors[0]?.message).toMatch(/^\[… 1900 characters/);
    expect(report.tests.map(({ attempts }) => attempts[0]?.message)).toEqual(
      ids.map(() => expect.stringMatching(/^\[… \d+ characters .*tail!!$/s)),
    );
    expect(report.textsCut).toBe(4);
  });
});
