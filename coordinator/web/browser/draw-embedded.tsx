// Draws a page from the data that is embedded in it.

import { render, type VNode } from 'preact';

/** `page` gets the embedded JSON. Throws if there is none. */
export function drawEmbedded(page: (data: unknown) => VNode): void {
  const data = document.getElementById('data')?.textContent;
  const place = document.getElementById('page');
  if (data === undefined || data === null || place === null) throw new Error('this page has no data');
  render(page(JSON.parse(data)), place);
}
