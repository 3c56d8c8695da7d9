// The HTML around a page's script and style. What tests printed stands in it as JSON, from which the page makes text nodes only; the policy is the
// second lock: no other script or style than the page's own, nothing fetched but what the page's own server sends.

import { createHash } from 'node:crypto';
import type { PageFiles } from './bundle.ts';

export interface PageContent {
  readonly title: string;
  /** JSON; null for a page that hears everything from its server. */
  readonly data: string | null;
  /** What stands there without scripts. */
  readonly otherwise: string;
}

/** What the page may do, as a Content-Security-Policy. `isLive`: it listens to its own server. */
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
  // Inside a script element `</script` would end it, and `<!--` change how it is read: no `<` is left in the data, and the page's own is checked.
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
