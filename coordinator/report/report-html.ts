// `report.html`: the run and the page that draws it, in one file that asks the network for nothing. What tests printed stands in it as JSON, from
// which the page makes text nodes only; the policy below is the second lock: no other script or style than the page's own, nothing fetched.

import { createHash } from 'node:crypto';
import type { Report } from '../../shared/report.ts';
import type { PageFiles } from './bundle-page.ts';
import { pageData } from './page-data.ts';
import { pageFiles } from './page-files.ts';

export const reportHtml = async (report: Report): Promise<string> => composePage(report, await pageFiles('report'));

function composePage(report: Report, { script, style }: PageFiles): string {
  // Inside a script element `</script` would end it, and `<!--` change how it is read: no `<` is left in the data, and the page's own is checked.
  const data = JSON.stringify(pageData(report)).replaceAll('<', '\\u003c');
  if (/<\/script|<!--/i.test(script) || /<\/style/i.test(style)) throw new Error('the page holds what would end its own element');
  const policy = [
    "default-src 'none'",
    `script-src '${hash(script)}'`,
    `style-src '${hash(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(`${report.verdict}: ${report.runId}`)}</title>
<style>${style}</style>
</head>
<body>
<div id="page"><noscript>This page is drawn by its own script, which is switched off here. report.json and junit.xml hold the same.</noscript></div>
<script type="application/json" id="data">${data}</script>
<script>${script}</script>
</body>
</html>
`;
}

const hash = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
