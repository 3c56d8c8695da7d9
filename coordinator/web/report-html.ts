// `report.html`: the run and the page that draws it, in one file that asks the network for nothing.

import type { Report } from '../../shared/domain/report.ts';
import { pageFiles } from './bundle-cache.ts';
import { composePage } from './page-shell.ts';
import { pageData } from './report-page.ts';

const OTHERWISE = 'This page is drawn by its own script, which is switched off here. report.json and junit.xml hold the same.';

export async function reportHtml(report: Report): Promise<string> {
  const content = { title: `${report.verdict}: ${report.runId}`, data: JSON.stringify(pageData(report)), otherwise: OTHERWISE };
  return composePage(content, await pageFiles('report'));
}
