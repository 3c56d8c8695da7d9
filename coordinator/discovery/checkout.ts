// What git says of the checkout that is tested, for the report.

import { basename } from 'node:path';
import { execa } from 'execa';

/** A run does not wait longer for something that only its report shows. */
const GIT_MS = 2000;

/** The name of the repository's directory, and its branch; without git, the name of the workspace. Never rejects. */
export async function checkoutOf(workspace: string): Promise<{ readonly project: string; readonly branch: string | null }> {
  const options = { cwd: workspace, stdin: 'ignore', reject: false, timeout: GIT_MS } as const;
  const { stdout } = await execa('git', ['rev-parse', '--show-toplevel', '--abbrev-ref', 'HEAD'], options);
  const [root = '', branch = 'HEAD'] = stdout.split('\n');
  return { project: basename(root === '' ? workspace : root), branch: branch === 'HEAD' ? null : branch };
}
