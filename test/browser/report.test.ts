// report.html in a real browser, opened from a file: filters, search, the timeline with pointer and keys, and the output of hostile tests.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OWN_FOLDER, placesIn } from '../../coordinator/report-places.ts';
import { reportHtml } from '../../coordinator/web/report-html.ts';
import { nodeId, shardId, testFile } from '../../shared/domain/ids.ts';
import type { Report } from '../../shared/domain/report.ts';
import { openBrowser, openPage, whyNoBrowser } from '../support/browser.ts';
import { hostile } from '../support/hostile.ts';
import { newProject } from '../support/shardline.ts';
import { syntheticReport } from '../support/synthetic-report.ts';
import { sampleReport, sampleTest } from '../unit/report/sample-report.ts';

const why = whyNoBrowser();
if (why !== null) console.warn(`browser tests ${why}`);

const screenshots = fileURLToPath(new URL('../../.shardline/test/screenshots', import.meta.url));
const shop = syntheticReport({ tests: 3200, agents: 4, workers: 4, seed: 1, failuresPerThousand: 3, deadlineSeconds: 6.4 });

describe.skipIf(why !== null)('report.html in a browser', () => {
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

  const write = async (name: string, report: Report): Promise<string> => {
    const path = join(directory, `${name}.html`);
    await writeFile(path, await reportHtml(report, placesIn(OWN_FOLDER, false)));
    return pathToFileURL(path).href;
  };
  const rows = (page: Page) => page.getByRole('list', { name: 'Tests' }).getByRole('listitem');
  const shown = (page: Page): Promise<string> => page.getByRole('status').innerText();
  const timeline = (page: Page) => page.getByRole('application', { name: 'Timeline of 16 xdist workers' });

  test('shows the verdict, filters by outcome, file and agent, searches tracebacks, and folds results', async () => {
    await using opened = await openPage(browser, await write('shop', shop));
    const { page, problems } = opened;
    const { totals } = shop;
    await expect.poll(() => page.getByRole('heading', { level: 1 }).innerText()).toBe('Failed');
    expect(await page.title()).toBe('failed: 20260102-030405-demo');
    expect(await page.getByRole('banner').innerText()).toContain(
      `${totals.failed + totals.error} of 3,232 tests failed, 32 of 3,232 not run`,
    );
    expect(await page.getByRole('banner').innerText()).toContain('shop · branch totals');
    expect(await page.getByRole('banner').innerText()).toContain('shardline run tests --redis redis://ci@redis.example:6379');
    expect(await page.getByRole('link', { name: 'the CI job' }).getAttribute('href')).toBe('https://ci.example/jobs/8123');
    expect(await page.getByRole('list', { name: 'What to do next' }).getByRole('listitem').allInnerTexts()).toEqual([
      'Run only what failed: shardline run --failed --baseline report.json, with the report.json of this run.',
      'The deadline was too short: raise --deadline, or add agents.',
    ]);
    const unfolded = 3232 - totals.passed + totals.flaky;
    await expect.poll(() => shown(page)).toBe(`${unfolded} of 3,232 shown`);
    await page.getByRole('button', { name: `Show ${(3232 - unfolded).toLocaleString('en')} passed tests` }).click();
    await expect.poll(() => shown(page)).toBe('3,232 shown');

    await page
      .getByRole('button', { name: /^failed/ })
      .first()
      .click();
    await expect.poll(() => shown(page)).toBe(`${totals.failed} of 3,232 shown`);
    await page
      .getByRole('button', { name: /^failed/ })
      .first()
      .click();
    await page.getByRole('button', { name: /^flaky/ }).click();
    await expect.poll(() => shown(page)).toBe(`${totals.flaky} of 3,232 shown`);
    await rows(page).first().getByRole('button').first().click();
    const attempts = await rows(page).first().getByRole('heading').allInnerTexts();
    expect(attempts).toEqual([
      expect.stringMatching(/^Attempt 1 of 2: failed on runner-/),
      expect.stringMatching(/^Attempt 2 of 2: passed/),
    ]);
    expect(await rows(page).first().innerText()).toContain("{'total': '119.69'} != {'total': '119.70'}");
    await page.getByRole('button', { name: 'Fold all' }).click();
    expect(await rows(page).first().getByRole('heading').count()).toBe(0);
    await page.getByRole('button', { name: 'Show all' }).click();

    const broken = shop.tests.find(({ outcome }) => outcome === 'failed');
    await page.getByRole('searchbox').fill(`ROUNDING ${broken?.file}`);
    const found = shop.tests.filter((each) => each.file === broken?.file && each.attempts.some(({ outcome }) => outcome === 'failed'));
    await expect.poll(() => shown(page)).toBe(`${found.length} of 3,232 shown`);
    await page.getByRole('searchbox').fill('no such test');
    await expect.poll(() => page.getByText('No test matches.').isVisible()).toBe(true);
    await page.getByRole('button', { name: 'Show all' }).click();

    await page.getByRole('combobox', { name: 'Agent' }).selectOption('runner-2');
    const ofAgent = shop.tests.filter(({ attempts: own }) => own.some(({ agent }) => agent === 'runner-2')).length;
    await expect.poll(() => shown(page)).toBe(`${ofAgent.toLocaleString('en')} of 3,232 shown`);
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.getByRole('combobox', { name: 'File' }).focus();
    await page.getByRole('combobox', { name: 'File' }).selectOption(broken?.file ?? '');
    await expect.poll(() => shown(page)).toBe('40 of 3,232 shown');
    await page.getByRole('button', { name: 'Show all' }).click();

    await page.getByRole('button', { name: 'not run 32' }).click();
    expect(await rows(page).first().innerText()).toMatch(/not run\s+tests\/slow\/test_nightly_0.py\s+deadline reached\s+≈ 1.50 s/);
    expect(problems).toEqual([]);
  });

  test('shows failures open above the timeline, each with an address and the commands that reproduce it', async () => {
    const url = await write('failures', shop);
    await using opened = await openPage(browser, url);
    const { page, problems } = opened;
    const failures = page.getByRole('region', { name: /failures$/ });
    const broken = shop.tests.filter(({ outcome }) => outcome === 'failed' || outcome === 'error');
    await expect.poll(() => failures.getByRole('heading').first().innerText()).toBe(`${broken.length} failures`);
    const [first] = broken;
    const text = await failures.locator('details').first().innerText();
    expect(text).toContain(first?.nodeid.split('::')[1]);
    expect(text).toContain(`pytest '${first?.nodeid}'`);
    expect(text).toContain(`shardline replay ${directory} --agent ${first?.attempts.at(-1)?.agent}`);
    expect(text).toContain(`shardline replay ${directory} --bisect '${first?.nodeid}'`);
    const top = (locator: typeof failures): Promise<number> => locator.boundingBox().then((box) => box?.y ?? 0);
    expect(await top(failures)).toBeLessThan(await top(timeline(page)));

    await failures.getByRole('link').first().click();
    const address = page.url();
    expect(address).toContain(`#${encodeURIComponent(first?.nodeid ?? '')}`);
    // A test that passed opens in the list.
    const passed = shop.tests.find(({ outcome }) => outcome === 'passed')?.nodeid ?? '';
    await using linked = await openPage(browser, `${url}#${encodeURIComponent(passed)}`);
    await expect.poll(() => linked.page.getByRole('listitem').filter({ hasText: 'Run alone' }).first().innerText()).toContain(passed);
    expect(problems).toEqual([]);
  });

  test('lists the slowest tests and files, and the agents with their hosts', async () => {
    await using opened = await openPage(browser, await write('slow', shop), { colorScheme: 'light' });
    const { page, problems } = opened;
    const slowest = shop.tests.toSorted((left, right) => right.seconds - left.seconds)[0];
    await page.getByRole('tab', { name: 'Tests' }).press('ArrowRight');
    const first = page.getByRole('region', { name: 'Slowest tests' }).getByRole('button').first();
    expect(await first.getAttribute('title')).toBe(slowest?.nodeid);
    const unstable = page.getByRole('region', { name: 'Unstable in the last runs' }).getByRole('listitem');
    expect(await unstable.count()).toBe(3);
    expect(await unstable.nth(1).getByRole('img').getAttribute('aria-label')).toBe('passed when it ran again, passed, passed, passed');
    expect(await page.getByRole('region', { name: 'Slowest tests' }).innerText()).toMatch(/, usually [\d.]+ m?s/);
    await page.screenshot({ path: join(screenshots, 'slowest.png') });
    await first.click();
    await expect.poll(() => page.getByRole('listitem').filter({ hasText: 'Alone' }).innerText()).toContain(`pytest '${slowest?.nodeid}'`);
    await page.getByRole('tab', { name: 'Agents and time' }).click();
    expect(await page.getByRole('row', { name: /runner-3/ }).innerText()).toContain('ci-host-3');
    expect(problems).toEqual([]);
  });

  test('the pointer zooms the timeline, shows its bars, and opens a test', async () => {
    await using opened = await openPage(browser, await write('pointer', shop));
    const { page, problems } = opened;
    // The failures are above it.
    await timeline(page).scrollIntoViewIfNeeded();
    const box = await timeline(page).locator('canvas').boundingBox();
    if (box === null) throw new Error('the timeline is not drawn');
    const longest = shop.tests.find(({ attempts: [attempt] }) => attempt?.agent === 'runner-1' && attempt.worker === 'gw0');
    const middle = (Date.parse(longest?.attempts[0]?.startedAt ?? '') - Date.parse(shop.startedAt)) / 1000 + (longest?.seconds ?? 0) / 2;
    const x = box.x + (middle / 6.4) * box.width;
    await page.mouse.move(x, box.y + 10);
    const tooltip = page.getByRole('tooltip');
    await expect.poll(() => tooltip.innerText()).toContain(longest?.file);
    const wholeRun = page.getByRole('button', { name: 'Whole run' });
    await expect.poll(() => wholeRun.isDisabled()).toBe(true);
    await page.keyboard.down('Control');
    for (let turn = 0; turn < 6; turn += 1) await page.mouse.wheel(0, -240);
    await page.keyboard.up('Control');
    await expect.poll(() => wholeRun.isEnabled()).toBe(true);
    await page.mouse.move(x, box.y + 11);
    await expect.poll(() => tooltip.innerText()).toContain(longest?.nodeid);
    expect(await tooltip.innerText()).toMatch(/runner-1 gw0, from 0:0\d\.\d{3}/);
    await page.mouse.click(x, box.y + 11);
    await expect.poll(() => page.getByRole('listitem').filter({ hasText: 'Alone' }).innerText()).toContain(longest?.nodeid);
    await wholeRun.click();
    await expect.poll(() => wholeRun.isDisabled()).toBe(true);
    expect(problems).toEqual([]);
  });

  test('the timeline has a lane for each resource that shards waited for', async () => {
    const startedAt = (seconds: number): string => new Date(Date.parse(shop.startedAt) + seconds * 1000).toISOString();
    const wait = (shard: number, at: number, seconds: number) => ({
      shard: shardId(shard),
      labels: [],
      resources: ['payments-sandbox'],
      startedAt: startedAt(at),
      seconds,
    });
    const waiting = { ...shop, waits: [wait(1, 2, 0.5), wait(2, 2.2, 1), wait(3, 5, 0.4)] };
    await using opened = await openPage(browser, await write('waits', waiting));
    const { page, problems } = opened;
    const name = page.locator('.lane-name.wait');
    await expect.poll(() => name.innerText()).toBe('waits for payments-sandbox');
    expect(await name.getAttribute('title')).toBe('3 shards waited for the resource payments-sandbox, 1.60 s in all');
    expect(await page.getByRole('list', { name: 'Legend' }).innerText()).toContain('a shard waits');
    await timeline(page).scrollIntoViewIfNeeded();
    // The browser warns of the readings below.
    expect(problems).toEqual([]);
    /** The color at a time of the run, in the lane of the waits. */
    const colorAt = (seconds: number): Promise<string> =>
      page.evaluate(`(() => {
        const canvas = document.querySelector('.lanes canvas');
        const [x, y] = [Math.round((${seconds} / 6.4) * canvas.width), Math.round(canvas.height * (1 - 0.5 / 17))];
        const [red, green, blue] = canvas.getContext('2d').getImageData(x, y, 1, 1).data;
        return '#' + [red, green, blue].map((part) => part.toString(16).padStart(2, '0')).join('');
      })()`);
    const color = (variable: string): Promise<string> =>
      page.evaluate(`getComputedStyle(document.documentElement).getPropertyValue('${variable}').trim()`);
    const [drawn, idle] = [await color('--waiting'), await color('--idle')];
    await expect.poll(() => colorAt(2.1)).toBe(drawn);
    expect([await colorAt(3.1), await colorAt(5.2)]).toEqual([drawn, drawn]);
    expect([await colorAt(1.9), await colorAt(3.4), await colorAt(4.8)]).toEqual([idle, idle, idle]);
    await page.screenshot({ path: join(screenshots, 'timeline-waits.png') });
  });

  test('the keys select the bars of the timeline, and the page announces each to screen readers', async () => {
    await using opened = await openPage(browser, await write('keys', shop), { colorScheme: 'dark' });
    const { page, problems } = opened;
    const said = page.locator('[aria-live]');
    await timeline(page).focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => said.innerText()).toMatch(/^tests\/.*, passed, .*, runner-1 gw0, from 0:0/);
    await page.keyboard.press('ArrowDown');
    await expect.poll(() => said.innerText()).toContain('runner-1 gw1');
    await page.keyboard.press('f');
    await expect.poll(() => said.innerText()).toMatch(/, (failed|error), /);
    for (let turn = 0; turn < 4; turn += 1) await page.keyboard.press('+');
    await expect.poll(() => page.getByRole('button', { name: 'Whole run' }).isEnabled()).toBe(true);
    await page.screenshot({ path: join(screenshots, 'timeline-dark.png') });
    await page.keyboard.press('0');
    await expect.poll(() => page.getByRole('button', { name: 'Whole run' }).isDisabled()).toBe(true);
    const failed = (await said.innerText()).split(',', 1)[0] ?? '';
    await page.keyboard.press('Enter');
    await expect.poll(() => page.getByRole('listitem').filter({ hasText: 'Alone' }).innerText()).toContain(failed);
    expect(problems).toEqual([]);
  });

  test.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
    ['dark', 390],
  ] as const)('fits a %s window of %i pixels', async (colorScheme, width) => {
    const options = { colorScheme, viewport: { width, height: 900 } };
    await using opened = await openPage(browser, await write('fits', shop), options);
    const { page, problems } = opened;
    await rows(page).first().waitFor();
    await page.screenshot({ path: join(screenshots, `report-${colorScheme}-${width}.png`) });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    await page
      .getByRole('button', { name: /^failed/ })
      .first()
      .click();
    await rows(page).first().getByRole('button').first().click();
    await page.screenshot({ path: join(screenshots, `failures-${colorScheme}-${width}.png`), fullPage: true });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect(problems).toEqual([]);
  });

  test('shows hostile names and output as text, including a line of a megabyte, and executes none of it', async () => {
    const long = 'x'.repeat(2 ** 20);
    const tests = [...hostile, long].map((text, index) => ({
      ...sampleTest(`tests/test_${index}.py::test[${text}]`, 'failed', `E   ${text}`, text),
      file: testFile(`tests/test_${index}.py`),
    }));
    const report = sampleReport(tests, {
      collectErrors: [{ file: testFile('tests/<b>.py'), nodeid: nodeId('tests/<b>.py'), message: hostile.join('\n') }],
    });
    await using opened = await openPage(browser, await write('hostile', report));
    const { page, problems } = opened;
    await page.getByRole('searchbox').fill('<script>document.title');
    await expect.poll(() => shown(page)).toBe('3 of 11 shown');
    await page.getByRole('searchbox').fill('');
    await expect.poll(() => shown(page)).toBe('11 shown');
    for (let index = 0; index < 11; index += 1) {
      const row = page.locator(`[data-index="${index}"]`);
      await row.getByRole('button').first().click();
      await row.locator('.details').waitFor();
      await row.getByRole('button').first().click();
    }
    await rows(page).first().getByRole('button').first().click();
    expect(await rows(page).first().locator('pre').first().innerText()).toBe(`E   ${hostile[0]}`);
    await page.getByRole('button', { name: 'Fold all' }).click();
    await page.getByRole('searchbox').fill('xxxxxxxx');
    await expect.poll(() => shown(page)).toBe('1 of 11 shown');
    await rows(page).first().getByRole('button').first().click();
    await rows(page).getByRole('button', { name: 'Show all 1,048,580 characters' }).click();
    await expect.poll(() => page.evaluate("document.querySelector('[data-index] pre').textContent.length")).toBe(2 ** 20 + 4);
    await page.getByRole('tab', { name: 'Slowest' }).click();
    await page.screenshot({ path: join(screenshots, 'hostile.png') });
    expect(await page.title()).toBe('failed: 20260102-030405-abcd');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(1280);
    expect(problems).toEqual([]);
  });

  test('is written by a run, and shows the output of its hostile tests', async () => {
    await using project = await newProject({
      'tests/test_hostile.py': `import pytest
hostile = ${JSON.stringify(hostile)}
@pytest.mark.parametrize("text", hostile)
def test_print(text):
    print(text)
    print("y" * 2**20)
    assert text == "harmless"
def test_fine():
    pass
`,
    });
    const { exitCode } = await project.shardline(['run', '-n', '2', '--out', 'out', '--html', 'copies/page.html']);
    expect(exitCode).toBe(1);
    await using opened = await openPage(browser, pathToFileURL(join(project.directory, 'out/report.html')).href);
    const { page, problems } = opened;
    await expect.poll(() => shown(page)).toBe(`${hostile.length} of ${hostile.length + 1} shown`);
    const first = rows(page).first();
    await first.getByRole('button').first().click();
    expect(await first.locator('.details').innerText()).toContain(`text = '${hostile[0]}'`);
    expect(await first.locator('details pre').textContent()).toContain(hostile[0]);
    expect(await page.title()).toMatch(/^failed: /);
    expect(problems).toEqual([]);
    // A copy is elsewhere than the events, so it names their folder.
    expect(await project.read('copies/page.html')).toContain('"recorded":[["a1","out","a1"]]');
    expect(await project.read('out/report.html')).toContain('"recorded":[["a1",".","a1"]]');
  });

  test('names the files with the same results if scripts are disabled', async () => {
    await using opened = await openPage(browser, await write('plain', sampleReport([])), { javaScriptEnabled: false });
    expect(await opened.page.locator('body').innerText()).toContain('report.json and junit.xml have the same results');
  });
});
