// Suites that rely on `python -m pytest`, which adds the current directory to sys.path. shardline runs the `pytest` command and names the fix.

import { expect, test } from 'vitest';
import { newProject } from '../support/shardline.ts';

const EXPLAINED =
  'app is in the current directory, which `python -m pytest` adds to sys.path and `pytest` does not. shardline runs `pytest`.';

const FILES = {
  'app/__init__.py': '',
  'tests/test_app.py': 'import app\ndef test_app(): pass\n',
} as const;

test.each([
  ['pyproject.toml', '[tool.pytest.ini_options]\n', 'pythonpath = ["."]'],
  ['pytest.ini', '[pytest]\n', 'pythonpath = .'],
])('a collection error that `python -m pytest` avoids names the setting in %s that fixes it', async (name, header, setting) => {
  const run = ['run', 'tests', '--out', 'out', '-n', '1'];
  {
    await using project = await newProject({ ...FILES, [name]: header });
    const { exitCode } = await project.shardline(run);
    expect(exitCode).toBe(1);
    const [error] = (await project.report()).collectErrors;
    expect(error?.message).toContain(`${EXPLAINED}\nFix: Set \`${setting}\` in ${name}, or the environment variable PYTHONPATH=.`);
  }
  {
    await using project = await newProject({ ...FILES, [name]: `${header}${setting}\n` });
    expect((await project.shardline(run)).exitCode).toBe(0);
  }
  await using project = await newProject({ ...FILES, [name]: header });
  expect((await project.shardline(run, { PYTHONPATH: '.' })).exitCode).toBe(0);
});

test('a conftest that fails to import names the same fix, and `pytest` as the command that reproduces it', async () => {
  await using project = await newProject({ ...FILES, 'tests/conftest.py': 'import app\n', 'pytest.ini': '[pytest]\n' });
  const { exitCode, stderr } = await project.shardline(['run', 'tests']);
  expect(exitCode).toBe(4);
  expect(stderr).toContain(EXPLAINED);
  expect(stderr).toMatch(/`\S*\bpytest --collect-only -q tests`/);
  expect(stderr).not.toMatch(/-m pytest .*--collect-only/);
});

test('gives no such advice for a module that is not in the current directory', async () => {
  await using project = await newProject({ 'tests/test_none.py': 'import nothing_of_that_name\n', 'pytest.ini': '[pytest]\n' });
  expect((await project.shardline(['run', 'tests', '--out', 'out', '-n', '1'])).exitCode).toBe(1);
  expect((await project.report()).collectErrors[0]?.message).not.toContain('PYTHONPATH');
});
