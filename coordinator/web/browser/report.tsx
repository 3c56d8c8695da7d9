// The entry point of report.html. It draws the run that is embedded in the page.

import type { PageData } from '../page-data.ts';
import { App } from './app.tsx';
import { drawEmbedded } from './draw-embedded.tsx';
import { readModel } from './model.ts';

drawEmbedded((data) => <App model={readModel(data as PageData)} />);
