// Runs whose coordinators die on one machine after the other. death.test.ts has those that die once.

import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { marked } from '../support/marked.ts';
import { startTcpServer } from '../support/redis.ts';
import { said } from '../support/said.ts';
import { newProject, outcomesOf } from '../support/shardline.ts';

/** A test ends only while fewer tests have ended than the file `budget` allows. */
const conftest = `import pathlib, time, pytest
here = pathlib.Path(__file__).parent
@pytest.fixture(autouse=True)
def budgeted(request):
    while len((here / "ended").read_text().split()) >= int((here / "budget").read_text()): time.sleep(0.05)
    with (here / "ended").open("a") as ended: ended.write(request.node.nodeid + "\\n")
`;
const body = 'def test_x(): pass\ndef test_y(): pass\n';
const files = Array.from({ length: 8 }, (_, index) => `test_${index}.py`);
const ids = files.flatMap((file) => [`${file}::test_x`, `${file}::test_y`]);

test('--resume on the first machine continues from what another one recorded in Redis since, and runs nothing twice', async () => {
  await using project = await newProject({ 'conftest.py': conftest, ended: '', ...Object.fromEntries(files.map((file) => [file, body])) });
  await using server = await startTcpServer();
  const settings = { SHARDLINE_REDIS_URL: server.url };
  const allow = async (tests: number): Promise<void> => {
    const path = join(project.directory, 'budget');
    await writeFile(`${path}.new`, String(tests));
    await rename(`${path}.new`, path);
  };
  const ended = async (): Promise<string[]> => (await readFile(join(project.directory, 'ended'), 'utf8')).split('\n').filter(Boolean);
  const resume = (id: string, out: string) => project.shardline(['run', '--resume', id, '--verbose', '--out', out], settings);

  await allow(3);
  const mark = `elsewhere-${process.pid}`;
  const near = project.shardline(['agent', '--name', 'near', '-n', '1'], { ...settings, CHAOS_MARK: mark });
  const far = project.shardline(['agent', '--name', 'far', '-n', '1'], settings);
  const first = project.shardline(['run', '--collect', 'suite', '--speculate', 'off', '--verbose', '--out', 'a'], settings);
  const id = (await said(first, /Run (\S+):[\s\S]*PASSED[\s\S]*PASSED[\s\S]*PASSED/))[1] ?? '';
  first.kill('SIGKILL');
  await first;

  const second = resume(id, 'b');
  await said(second, /Resumed run/);
  const lost = said(second, /Lost agent near-\S+; re-queued its unfinished tests/);
  near.kill('SIGKILL');
  await lost;
  await eventually('nothing of the lost agent is left', async () => (await marked(mark)).length === 0);
  // All but one test end here, so those of the lost agent do.
  await allow(ids.length - 1);
  await eventually('almost all tests have ended', async () => (await ended()).length >= ids.length - 1, 90);
  second.kill('SIGKILL');
  await second;

  await allow(1000);
  const third = await resume(id, 'a');
  expect(third.exitCode, third.all).toBe(0);
  expect((await ended()).sort()).toEqual(ids);
  const report = await project.report('a');
  expect(report).toMatchObject({ runId: id, verdict: 'passed', totals: { expected: 16, passed: 16, duplicatesDropped: 0 } });
  expect(outcomesOf(report)).toEqual(Object.fromEntries(ids.map((each) => [each, 'passed'])));
  far.kill('SIGTERM');
  await far;
});
