// The entry point of report.html. It draws the run that is embedded in the page.

import { render } from 'preact';
import type { PageData } from '../page-data.ts';
import { App } from './app.tsx';
import { readModel } from './model.ts';

const data = document.getElementById('data')?.textContent;
const place = document.getElementById('page');
if (data === undefined || data === null || place === null) throw new Error('this report has no data');
render(<App model={readModel(JSON.parse(data) as PageData)} />, place);
