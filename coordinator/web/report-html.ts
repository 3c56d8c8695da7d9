// Writes `report.html`: the run and the page that draws it, in one file that makes no network requests.

import type { Report } from '../../shared/domain/report.ts';
import { verdictWords } from '../core/result/ending-text.ts';
import type { Places } from '../report-places.ts';
import { pageFiles } from './bundle-cache.ts';
import { composePage } from './page-shell.ts';
import { pageData } from './report-page.ts';

const OTHERWISE = 'This page needs JavaScript. report.json and junit.xml have the same results.';

export async function reportHtml(report: Report, places: Places): Promise<string> {
  const content = {
    title: `${verdictWords[report.verdict]}: ${report.runId}`,
    data: JSON.stringify(pageData(report, places)),
    otherwise: OTHERWISE,
  };
  return composePage(content, await pageFiles('report'));
}
