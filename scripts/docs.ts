// Writes the generated pages of docs/.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pages } from './docs-text.ts';
import { root, say } from './process.ts';

for (const [path, text] of pages) {
  writeFileSync(join(root, path), text());
  say(`wrote ${path}`);
}
