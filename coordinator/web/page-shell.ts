// Builds the HTML around a page's script and style. The page holds test output as JSON and turns it into text nodes only. The
// Content-Security-Policy is a second safeguard: it allows no script or style but the page's own, and no requests but to the page's own
// server.

import { createHash } from 'node:crypto';
import type { PageFiles } from './bundle.ts';

export interface PageContent {
  readonly title: string;
  /** JSON; null for a page that receives all data from its server. */
  readonly data: string | null;
  /** The text shown if scripts are disabled. */
  readonly otherwise: string;
}

/** Returns the page's Content-Security-Policy. `isLive` lets the page connect to its own server. */
export const policyOf = ({ script, style }: PageFiles, isLive: boolean): string =>
  [
    "default-src 'none'",
    `script-src '${hash(script)}'`,
    `style-src '${hash(style)}'`,
    ...(isLive ? ["connect-src 'self'"] : []),
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');

export function composePage({ title, data, otherwise }: PageContent, files: PageFiles): string {
  // Inside a script element, `</script` would end it and `<!--` would change how it is parsed. The data therefore contains no `<`, and the
  // page's own script and style are checked.
  const embedded = data === null ? '' : `<script type="application/json" id="data">${data.replaceAll('<', '\\u003c')}</script>\n`;
  const { script, style } = files;
  if (/<\/script|<!--/i.test(script) || /<\/style/i.test(style)) throw new Error('the page holds what would end its own element');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policyOf(files, data === null)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<div id="page"><noscript>${escaped(otherwise)}</noscript></div>
${embedded}<script>${script}</script>
</body>
</html>
`;
}

const hash = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
