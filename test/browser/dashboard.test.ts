// `shardline serve` in a real browser: a run from its first test to its end.

import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBrowser, openPage, whyNoBrowser } from '../support/browser.ts';
import { startTcpServer, type TcpRedis } from '../support/redis.ts';
import { newProject, type Project } from '../support/shardline.ts';

const why = whyNoBrowser();
if (why !== null) console.warn(`browser tests ${why}`);

const screenshots = fileURLToPath(new URL('../../.shardline/test/screenshots', import.meta.url));

const gatedSuite = {
  'tests/test_gate.py': `import pathlib, time
def test_gate():
    while not pathlib.Path("open").exists():
        time.sleep(0.05)
`,
};
const suite = {
  'tests/test_fast.py':
    'import pytest\n@pytest.mark.parametrize("n", range(30))\ndef test_fast(n):\n    assert n != 7, "<script>alert(1)</script>"\n',
  ...gatedSuite,
};

describe.skipIf(why !== null)('shardline serve', () => {
  let browser: Browser;
  let redis: TcpRedis;
  /** The same server, through an account that may only read. */
  let watched = '';
  let project: Project;
  beforeAll(async () => {
    const account = ['--user', 'watcher', 'on', '>secret', '~{sl:*', '+@read', '+@connection', '+info', '+time'];
    await mkdir(screenshots, { recursive: true });
    [browser, redis, project] = await Promise.all([openBrowser(), startTcpServer(...account), newProject(suite)]);
    watched = redis.url.replace('//', '//watcher:secret@');
  });
  afterAll(async () => {
    await browser.close();
    await project[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
  });

  /** Starts the dashboard as a user does, and returns its address. */
  async function serve(argv: readonly string[] = [], settings: Readonly<Record<string, string>> = {}) {
    const serving = project.shardline(['serve', '--redis', watched, '--port', '0', ...argv], settings);
    const url = await new Promise<string>((resolve, reject) => {
      let said = '';
      serving.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes('\n')) resolve(said.trim());
      });
      void serving.then(({ all }) => reject(new Error(`the dashboard did not start: ${all}`)));
    });
    return {
      url,
      async [Symbol.asyncDispose]() {
        serving.kill('SIGTERM');
        expect((await serving).exitCode).toBe(0);
      },
    };
  }
  const shown = (page: Page): Promise<string> => page.getByRole('tabpanel').getByRole('status').innerText();

  test('shows a run test by test while it runs, and then its verdict', async () => {
    await using dashboard = await serve();
    expect(dashboard.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    await using opened = await openPage(browser, dashboard.url, { colorScheme: 'dark' });
    const { page, problems } = opened;
    await expect.poll(() => page.getByText('No run yet.').isVisible()).toBe(true);

    const running = project.shardline(['run', '--redis', redis.url, '--agents', '1', '-n', '2', '--out', 'out', '--deadline', '2m']);
    await expect.poll(() => page.getByRole('heading', { level: 1 }).innerText()).toBe('Running');
    await expect.poll(() => shown(page)).toBe('30 shown');
    const now = page.getByRole('region', { name: 'Running now' });
    await expect.poll(() => now.innerText()).toMatch(/30 of 31 tests[\s\S]*tests\/test_gate\.py::test_gate/);
    expect(await page.getByRole('banner').innerText()).toContain('1 of 31 tests failed, 1 of 31 still to run');
    await page
      .getByRole('application', { name: 'Timeline of 2 xdist workers' })
      .or(page.getByRole('application', { name: 'Timeline of 1 xdist worker' }))
      .waitFor();
    await page.getByRole('button', { name: 'failed 1' }).click();
    await page.getByRole('tabpanel').getByRole('listitem').first().getByRole('button').click();
    expect(await page.locator('.details').innerText()).toContain('<script>alert(1)</script>');
    await page.screenshot({ path: join(screenshots, 'dashboard-dark.png') });

    await expect.poll(() => now.innerText()).toMatch(/, 1 of 2 files/);
    await expect.poll(() => page.getByRole('banner').innerText()).toMatch(/Deadline\s+2 min 00 s\s/);
    expect(await page.title()).toBe('1 failed, 96 % - shardline');

    await writeFile(join(project.directory, 'open'), '');
    await expect.poll(() => page.getByRole('heading', { level: 1 }).innerText()).toBe('Failed');
    expect(await page.getByRole('banner').getAttribute('class')).toContain('bad');
    await expect.poll(() => page.title()).toBe('1 failed - shardline');
    expect(await page.getByText(/^Report: /).innerText()).toContain(`${project.directory}/out/report.html on `);
    await page.getByRole('button', { name: 'Show all' }).click();
    await expect.poll(() => shown(page)).toBe('31 shown');
    expect(await page.getByRole('combobox', { name: 'Run', exact: true }).innerText()).toMatch(
      /newest run\s+\d{8}-\d{6}-\w{4}: failed, 31 tests, 1 failed/,
    );
    expect((await running).exitCode).toBe(1);
    expect(problems).toEqual([]);
  });

  test('shows the agents of a pool from their start to their end', async () => {
    const pool = ['--redis', redis.url, '--pool', 'fleet'];
    await using dashboard = await serve(['--pool', 'fleet']);
    await using opened = await openPage(browser, dashboard.url);
    const { page, problems } = opened;
    const panel = page.locator('.fleet');
    await expect.poll(() => panel.innerText()).toMatch(/Pool fleet\s+0 agents\s+No agents wait in this pool\./);
    expect(await panel.innerText()).toContain('Start one with shardline agent --redis URL --pool fleet.');
    await page.screenshot({ path: join(screenshots, 'dashboard-no-agents.png') });

    await using other = await newProject(gatedSuite);
    const agent = other.shardline(['agent', ...pool, '--name', 'big', '-n', '2', '--label', 'gpu']);
    const row = panel.getByRole('row', { name: /^big/ });
    await expect.poll(() => row.innerText()).toMatch(/^big\S*\s+waiting\s/);
    expect(await panel.innerText()).toMatch(/1 agent: 1 waiting/);
    const cells = await row.getByRole('cell').allInnerTexts();
    expect(cells[2]).toBe(hostname());
    expect(cells[3]).toBe('2');
    expect(cells[4]).toMatch(/^\d+(\.\d)?$/);
    expect(cells[5]).toMatch(/^\d+(\.\d)? [MG]iB$/);
    expect(cells[6]).toBe('gpu');
    expect(cells[7]).toMatch(/^\d+\.\d+\.\d+/);

    const running = other.shardline(['run', ...pool, '--agents', '0', '--out', 'out']);
    await expect.poll(() => row.innerText()).toMatch(/^big\S*\s+busy\s+\d{8}-\d{6}-\w{4} \(1 shard\)/);
    await page.screenshot({ path: join(screenshots, 'dashboard-agents.png') });
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.screenshot({ path: join(screenshots, 'dashboard-agents-dark.png') });
    await page.setViewportSize({ width: 400, height: 900 });
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(400);
    await page.screenshot({ path: join(screenshots, 'dashboard-agents-narrow.png') });

    await writeFile(join(other.directory, 'open'), '');
    expect((await running).exitCode).toBe(0);
    await expect.poll(() => panel.innerText()).toMatch(/1 agent: 1 waiting/);
    agent.kill('SIGTERM');
    await agent;
    await expect.poll(() => panel.innerText()).toMatch(/0 agents\s+No agents wait in this pool\./);
    expect(problems).toEqual([]);
  });

  test('refuses requests without the token, under a foreign host name, or with a method other than GET', async () => {
    await using dashboard = await serve([], { SHARDLINE_TOKEN: 'open-sesame' });
    expect(dashboard.url).toMatch(/\/\?token=open-sesame$/);
    const { origin, port, host } = new URL(dashboard.url);
    for (const path of ['/', '/?token=wrong', '/events', '/events?token=']) expect((await fetch(`${origin}${path}`)).status).toBe(401);
    expect((await fetch(dashboard.url)).status).toBe(200);
    expect((await fetch(`${origin}/other?token=open-sesame`)).status).toBe(404);
    expect((await fetch(dashboard.url, { method: 'POST' })).status).toBe(405);
    expect(await statusOf(Number(port), 'evil.example')).toBe(403);
    expect(await statusOf(Number(port), host)).toBe(200);
    await using opened = await openPage(browser, dashboard.url);
    await expect.poll(() => opened.page.getByText('No run yet.').isVisible()).toBe(true);
    await expect.poll(() => opened.page.getByRole('status').innerText()).toBe('live');
    expect(opened.problems).toEqual([]);
  });

  test('exits on SIGTERM, even while Redis is unreachable', async () => {
    const away = await startTcpServer();
    const serving = project.shardline(['serve', '--redis', away.url, '--port', '0']);
    await new Promise((resolve) => serving.stdout.once('data', resolve));
    await away[Symbol.asyncDispose]();
    serving.kill('SIGTERM');
    expect((await serving).exitCode).toBe(0);
  });

  test('creates a token if it listens on more than loopback', async () => {
    await using dashboard = await serve(['--host', '0.0.0.0']);
    expect(dashboard.url).toMatch(/^http:\/\/0\.0\.0\.0:\d+\/\?token=[0-9a-f]{32}$/);
    expect((await fetch(dashboard.url.replace(/\?.*/, ''))).status).toBe(401);
  });

  /** The status of a request with this Host header. */
  function statusOf(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () =>
        socket.end(`GET /?token=open-sesame HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
      );
      let answer = '';
      socket.setEncoding('utf8').on('data', (text: string) => {
        answer += text;
      });
      socket.on('error', reject).on('close', () => resolve(Number(answer.split(' ')[1])));
    });
  }
});
