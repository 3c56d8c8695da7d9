// Finds a real Chromium for the tests of pages, and opens pages in it.

import { execFileSync } from 'node:child_process';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const programs = ['chromium', 'chromium-browser', 'google-chrome'] as const;
/** Disables everything for which the browser itself uses the network. */
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

function findBrowser(): string | null {
  for (const program of programs) {
    try {
      return execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
    } catch {
      // Try the next one.
    }
  }
  return null;
}

/**
 * Null if a browser is on PATH, otherwise the reason for skipping, in one sentence. If CI or SHARDLINE_NEED_BROWSER=1 is set, a missing browser
 * throws instead, so that no test is skipped unnoticed.
 */
export function whyNoBrowser(): string | null {
  if (findBrowser() !== null) return null;
  const reason = `no browser is on PATH (${programs.join(', ')})`;
  if (process.env.SHARDLINE_NEED_BROWSER === '1' || process.env.CI === 'true') {
    throw new Error(`${reason}, and these tests must not be skipped here. Fix: install Chromium (on Debian: apt-get install chromium).`);
  }
  return `skipped: ${reason}`;
}

export const openBrowser = (): Promise<Browser> => chromium.launch({ executablePath: findBrowser() ?? programs[0], args });

export interface WatchedPage extends AsyncDisposable {
  readonly page: Page;
  /** Empty for a sound page: errors, console messages, dialogs, and requests to other origins. */
  readonly problems: readonly string[];
}

export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const problems: string[] = [];
  const origin = url.startsWith('file:') ? url : new URL(url).origin;
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
  page.on('console', (message) => problems.push(`console ${message.type()}: ${message.text()}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(origin)) problems.push(`request: ${request.url().slice(0, 200)}`);
  });
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(url);
  return { page, problems, [Symbol.asyncDispose]: () => context.close() };
}
