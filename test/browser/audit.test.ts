// audit.html in a real browser: every block of the audit, at two widths, and names that try to be markup.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Audit } from '../../coordinator/audit/core/audit.ts';
import { auditBlocks, auditTitle } from '../../coordinator/audit/page/page.ts';
import type { Block, Inline } from '../../coordinator/web/audit-data.ts';
import { auditHtml } from '../../coordinator/web/audit-html.ts';
import { harmless } from '../../shared/text/safe-text.ts';
import { openBrowser, openPage, whyNoBrowser } from '../support/browser.ts';
import { hostile } from '../support/hostile.ts';
import { sampleAudit, sampleMeasurement } from '../unit/audit/sample-audit.ts';

const why = whyNoBrowser();
if (why !== null) console.warn(`browser tests ${why}`);

const screenshots = fileURLToPath(new URL('../../.shardline/test/screenshots', import.meta.url));
const line = (inlines: readonly Inline[]): string => inlines.map((each) => (typeof each === 'string' ? each : each.code)).join('');

/** The text that a block has in the page; null for a chart, which has more than its texts. */
function textOf(block: Block): string | null {
  switch (block.kind) {
    case 'heading':
    case 'code':
      return block.text;
    case 'words':
      return line(block.words);
    case 'list':
      return block.items.map(line).join('');
    case 'table':
      return [...block.head, ...block.rows.flat().map(line)].join('');
    case 'bars':
      return null;
  }
}

describe.skipIf(why !== null)('audit.html in a browser', () => {
  let browser: Browser;
  let directory = '';
  beforeAll(async () => {
    browser = await openBrowser();
    directory = await mkdtemp(join(tmpdir(), 'shardline-browser-'));
    await mkdir(screenshots, { recursive: true });
  });
  afterAll(async () => {
    await browser.close();
    await rm(directory, { recursive: true, force: true });
  });

  const write = async (name: string, audit: Audit): Promise<string> => {
    const path = join(directory, `${name}.html`);
    await writeFile(path, await auditHtml(auditTitle(audit), auditBlocks(audit)));
    return pathToFileURL(path).href;
  };
  const shop = sampleAudit(Array.from({ length: 8 }, (_, index) => `tests/test_${index}.py::test`));

  test.each([1280, 400])('shows every block, and scrolls only inside wide ones, at a width of %i', async (width) => {
    await using opened = await openPage(browser, await write('shop', shop), { viewport: { width, height: 900 } });
    const { page, problems } = opened;
    const shown = await page.locator('main > *').evaluateAll((elements) => elements.map(({ textContent }) => textContent));
    const blocks = auditBlocks(shop).map(textOf);
    expect(blocks.map((text, index) => (text === null ? null : shown[index]))).toEqual(blocks);
    expect(shown).toHaveLength(blocks.length);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    await page.screenshot({ path: join(screenshots, `audit-${width}.png`), fullPage: true });
    expect(problems).toEqual([]);
  });

  test('draws bars on one scale, with the seconds of each part', async () => {
    await using opened = await openPage(browser, await write('bars', shop));
    const { page, problems } = opened;
    const chart = page.getByRole('img', { name: /^Seconds of each way/ });
    const widths = await chart
      .locator('rect')
      .evaluateAll((bars) => bars.map((bar) => [bar.textContent, Number(bar.getAttribute('width'))]));
    expect(widths.slice(0, 3)).toEqual([
      ['start: 1.00 s', 6.7],
      ['collection: 10.0 s', 67],
      ['tests: 88.0 s', 589.6],
    ]);
    expect(await page.locator('.legend').innerText()).toBe('start\ncollection\ntests\nwaiting\nend');
    expect(await chart.locator('.value').allTextContents()).toEqual(['100.0 s', '60.0 s', '50.0 s']);
    expect(problems).toEqual([]);
  });

  test('shows what hostile names say as text, and runs none of it', async () => {
    const name = hostile.join(' ');
    const imports = [{ name, selfSeconds: 9, totalSeconds: 9, modules: 1, importer: name }];
    const fixtures = [{ name, scope: 'function' as const, file: name, seconds: 9, count: 3 }];
    const sequential = sampleMeasurement({ [`${name}.py::test`]: 50 }, { fixtures, notCollected: [name] });
    const audit = sampleAudit([`${name}.py::test`], { what: [name], problems: [name], imports, sequential });
    await using opened = await openPage(browser, await write('hostile', audit));
    const { page, problems } = opened;
    expect(await page.title()).not.toBe('taken');
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe(`Audit of ${harmless(name)}`);
    expect(await page.locator('td code').first().textContent()).toContain(harmless(name));
    expect(await page.locator('main').locator('script, img, a, [onerror]').count()).toBe(0);
    await page.screenshot({ path: join(screenshots, 'audit-hostile.png'), fullPage: true });
    expect(problems).toEqual([]);
  });

  test('names audit.md where scripts are off', async () => {
    await using opened = await openPage(browser, await write('plain', shop), { javaScriptEnabled: false });
    expect(await opened.page.locator('body').innerText()).toBe('This page needs JavaScript. audit.md has the same results.');
  });
});
