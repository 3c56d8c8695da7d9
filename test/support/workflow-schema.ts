// Validates CI workflows against the schemas of their providers, which check-jsonschema contains.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { prepareChecks } from '../../scripts/venv.ts';

/** The arguments of check-jsonschema for each kind of file. Azure's schema has patterns that are no valid Unicode ones. */
const SCHEMAS = {
  github: ['vendor.github-workflows'],
  'github-action': ['vendor.github-actions'],
  gitlab: ['vendor.gitlab-ci', '--data-transform', 'gitlab-ci'],
  circleci: ['vendor.circle-ci'],
  buildkite: ['vendor.buildkite'],
  azure: ['vendor.azure-pipelines', '--data-transform', 'azure-pipelines', '--regex-variant', 'nonunicode'],
} as const;

/** What the validator says of the file. */
export async function validated(kind: keyof typeof SCHEMAS, text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'shardline-test-workflow-'));
  try {
    const file = join(directory, 'workflow.yml');
    await writeFile(file, text);
    const argv = ['--builtin-schema', ...SCHEMAS[kind], '--no-cache', file];
    const { all } = await execa(join(prepareChecks(), 'check-jsonschema'), argv, { reject: false, all: true, stdin: 'ignore' });
    return all.trim();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
