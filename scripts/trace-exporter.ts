// Bundles what exports traces with the packages of OpenTelemetry into a folder, for the package's build and the Docker image. The packages
// take 25 MB and the bundle less than 1 MB, and most runs export nothing.
// Usage: node scripts/trace-exporter.ts FOLDER

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleProgram } from './bundle-program.ts';
import { root } from './process.ts';

export async function writeTraceExporter(folder: string): Promise<void> {
  const { files, licences } = await bundleProgram(join(root, 'coordinator', 'reporters', 'traces', 'send-spans.ts'), root);
  mkdirSync(folder, { recursive: true });
  for (const [name, code] of files) writeFileSync(join(folder, name), code);
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), licences);
}

const [folder] = process.argv.slice(2);
if (import.meta.main && folder !== undefined) await writeTraceExporter(folder);
