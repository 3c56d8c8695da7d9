// Measures how long report.html of a large run takes to write, and how long a real browser takes to open, filter, search, sort and zoom it.
// Prints the median and the spread.
// Usage: node bench/report-html/report-html.ts [TESTS] [REPETITIONS]; needs Chromium or Chrome on PATH.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { NO_PLACES } from '../../coordinator/report-places.ts';
import { reportHtml } from '../../coordinator/web/report-html.ts';
import { encodeReport } from '../../shared/wire/report/report.ts';
import { openBrowser } from '../../test/support/browser.ts';
import { syntheticReport } from '../../test/support/synthetic-report.ts';

const [tests = 100_000, repetitions = 7] = process.argv.slice(2).map(Number);
const times = new Map<string, number[]>();
const note = (name: string, ms: number): void => void times.set(name, [...(times.get(name) ?? []), ms]);

/** From the action to the next frame, by the page's own clock. */
const untilDrawn = (page: Page, act: string): Promise<number> =>
  page.evaluate(`new Promise((done) => {
    const startedAt = performance.now();
    (${act})();
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - startedAt)));
  })`);
const choose = (selector: string, value: string): string => `() => {
  const element = document.querySelector(${JSON.stringify(selector)});
  element.value = ${JSON.stringify(value)};
  element.dispatchEvent(new Event('change', { bubbles: true }));
}`;
const click = (selector: string): string => `() => document.querySelector(${JSON.stringify(selector)}).click()`;
/** From the last keystroke to the list with the matches. This includes the pause in which the page waits for another keystroke. */
const search = (page: Page, words: string): Promise<number> =>
  page.evaluate(`new Promise((done) => {
    const input = document.querySelector('input[type=search]');
    const startedAt = performance.now();
    const watch = new MutationObserver(() => {
      watch.disconnect();
      requestAnimationFrame(() => setTimeout(() => done(performance.now() - startedAt)));
    });
    watch.observe(document.querySelector('[role=status]'), { subtree: true, childList: true, characterData: true });
    input.value = ${JSON.stringify(words)};
    input.dispatchEvent(new Event('input', { bubbles: true }));
  })`);

const directory = await mkdtemp(join(tmpdir(), 'shardline-bench-'));
const browser = await openBrowser();
try {
  const report = syntheticReport({ tests, agents: 16, workers: 8, seed: 1, failuresPerThousand: 2 });
  const path = join(directory, 'report.html');
  for (let turn = 0; turn < repetitions; turn += 1) {
    const startedAt = performance.now();
    const page = await reportHtml(report, NO_PLACES);
    note('write (in the coordinator)', performance.now() - startedAt);
    await writeFile(path, page);
  }
  for (let turn = 0; turn < repetitions; turn += 1) {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await page.goto(pathToFileURL(path).href);
    await page.locator('.row-head').first().waitFor();
    const painted = await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime");
    note('open (to the first paint of the whole page)', Number(painted));
    await page.waitForTimeout(1000);
    note('filter: failed only', await untilDrawn(page, click('.chip.failed')));
    note('filter: all again', await untilDrawn(page, click('.chip.failed')));
    note('search: two words', await search(page, 'paging api'));
    note('search: nothing', await search(page, ''));
    note('sort: slowest first', await untilDrawn(page, choose('.found select', 'slowest first')));
    note('scroll: to the middle', await untilDrawn(page, '() => scrollTo(0, document.documentElement.scrollHeight / 2)'));
    await page.evaluate('scrollTo(0, 0)');
    for (let step = 0; step < 6; step += 1) note('zoom: one step', await untilDrawn(page, click('[aria-label="Zoom in"]')));
    note('zoom: whole run', await untilDrawn(page, click('.buttons > :last-child')));
    await page.close();
  }
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  console.log(
    `${tests} tests, 16 agents with 8 xdist workers; ${cpus().length} cores, Node.js ${process.version}, Chromium ${browser.version()}`,
  );
  console.log(
    `report.html ${megabytes(Buffer.byteLength(await reportHtml(report, NO_PLACES)))}, report.json ${megabytes(Buffer.byteLength([...encodeReport(report)].join('')))}`,
  );
  for (const [name, found] of times) {
    const sorted = found.toSorted((left, right) => left - right);
    const at = (share: number): string => (sorted[Math.round(share * (sorted.length - 1))] ?? 0).toFixed(0);
    console.log(`${name.padEnd(46)} median ${at(0.5).padStart(5)} ms, ${at(0)} to ${at(1)} (n = ${sorted.length})`);
  }
} finally {
  await browser.close();
  await rm(directory, { recursive: true, force: true });
}
