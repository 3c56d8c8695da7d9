// The entry point of audit.html. It draws the audit that is embedded in the page, once.

import type { Block } from '../audit-data.ts';
import { AuditBlock } from './audit-blocks.tsx';
import { drawEmbedded } from './draw-embedded.tsx';

drawEmbedded((data) => (
  <main>
    {(data as readonly Block[]).map((block) => (
      <AuditBlock block={block} />
    ))}
  </main>
));
