// Coverage data of an agent that name files which the project has not measured.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { agentId } from '../../shared/domain/ids.ts';
import { combineCoverage } from '../../shared/pytest/combine-coverage.ts';
import { environmentPython } from '../support/python.ts';
import { newProject } from '../support/shardline.ts';

test('no report of coverage has the content of a file outside of the project', { timeout: 60_000 }, async () => {
  await using project = await newProject({ 'own.py': 'x = 1\n' });
  await using elsewhere = await newProject({ 'secret.py': 'password = "hunter2"\n', 'combine/.keep': '' });
  const python = environmentPython('plugins');
  const [data, secret, own] = [
    join(elsewhere.directory, 'data'),
    join(elsewhere.directory, 'secret.py'),
    join(project.directory, 'own.py'),
  ];
  const code =
    'import sys; from coverage import CoverageData as D; d = D(sys.argv[1]); d.add_lines({f: [1] for f in sys.argv[2:]}); d.write()';
  await execa(python, ['-c', code, data, secret, own]);
  await mkdir(join(project.directory, 'out'));
  await writeFile(join(project.directory, '.coveragerc'), '');
  const combined = await combineCoverage({
    python,
    workspace: project.directory,
    directory: join(elsewhere.directory, 'combine'),
    out: join(project.directory, 'out'),
    dataNames: ['.coverage'],
    options: {
      source: null,
      config: '.coveragerc',
      branch: null,
      append: false,
      reports: { html: null, xml: null, 'term-missing': null },
      failUnder: null,
      precision: 0,
      notOnFail: false,
    },
    files: [{ path: data, agent: agentId('a1'), workspace: project.directory, packages: '/p' }],
    isReported: true,
    limitMs: 50_000,
  });
  expect(combined.problems).toEqual([]);
  expect(combined.warnings).toEqual([expect.stringContaining('measured files outside of the project')]);
  const found = await execa('grep', ['-rl', '--exclude=.coverage*', 'hunter2\\|secret.py', project.directory], { reject: false });
  expect(found.stdout).toBe('');
  expect(combined.text).toContain('own.py');
});
