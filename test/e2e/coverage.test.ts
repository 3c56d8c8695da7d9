// pytest-cov over several agents gives the numbers of plain pytest for each file, and names every file without data.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test, vi } from 'vitest';
import { environmentPython } from '../support/python.ts';
import { startTcpServer } from '../support/redis.ts';
import { newProject, type Project } from '../support/shardline.ts';

// Each test starts up to a dozen pytest processes with pytest-cov.
vi.setConfig({ testTimeout: 300_000 });

const plugins = ['-p', 'no:randomly', '-p', 'no:cacheprovider'] as const;
const out = ['--out', 'out'] as const;

/** Each test waits until tests of two processes have begun, so that both agents run some. Plain pytest does not wait. */
const meeting = `import os, time
def meet():
    place = os.environ.get("MEETING")
    if place is None: return
    open(os.path.join(place, str(os.getpid())), "w").close()
    until = time.monotonic() + 40
    while len(os.listdir(place)) < 2 and time.monotonic() < until: time.sleep(0.02)
`;

const suite = {
  'pytest.ini': '[pytest]\npythonpath = . tests\n',
  'pkg/__init__.py': '',
  'pkg/sign.py': 'def sign(n):\n    if n > 0:\n        return 1\n    if n < 0:\n        return -1\n    return 0\n',
  'pkg/part.py': 'def never():\n    return 1\n\nVALUE = 2\n',
  'pkg/unimported.py': 'def unimported():\n    return 1\n',
  'tests/meeting.py': meeting,
  'tests/test_plus.py': 'from meeting import meet\nfrom pkg.sign import sign\ndef test_plus():\n    meet()\n    assert sign(1) == 1\n',
  'tests/test_minus.py':
    'from meeting import meet\nfrom pkg.sign import sign\nimport pkg.part\ndef test_minus():\n    meet()\n    assert sign(-1) == -1\n',
};

/** Enough for two agents. */
const larger = {
  ...suite,
  ...Object.fromEntries(
    Array.from({ length: 6 }, (_, index) => [
      `tests/test_${index}.py`,
      'from meeting import meet\nfrom pkg.sign import sign\ndef test_n():\n    meet()\n    assert sign(1) == 1\n',
    ]),
  ),
};

interface Measured {
  readonly files: Readonly<Record<string, unknown>>;
  readonly totals: unknown;
}

const measured = async (project: Project, path: string): Promise<Measured> => {
  // The order of a line's contexts varies.
  const sorted = (_: string, value: unknown): unknown => (Array.isArray(value) ? [...value].sort() : value);
  const { files, totals } = JSON.parse(await project.read(path), sorted) as Measured;
  return { files, totals };
};

const plain = async (project: Project, args: readonly string[]): Promise<number | undefined> =>
  (await execa(environmentPython('plugins'), ['-m', 'pytest', ...plugins, ...args], { cwd: project.directory, reject: false })).exitCode;

test('two agents in other directories give the coverage of plain pytest: files, branches, contexts, limit', async () => {
  const python = environmentPython('plugins');
  const files = { ...larger, '.coveragerc': '[json]\nshow_contexts = true\n' };
  await using project = await newProject(files);
  await using other = await newProject(files);
  await using another = await newProject(files);
  await using server = await startTcpServer();
  const place = await mkdtemp(join(tmpdir(), 'shardline-test-meeting-'));
  const settings = { SHARDLINE_REDIS_URL: server.url, SHARDLINE_PYTHON: python, MEETING: place };
  const agents = [other, another].map(({ shardline }, index) => shardline(['agent', '--name', `far${index}`, '-n', '1'], settings));
  try {
    const asked = ['--cov=pkg', '--cov-branch', '--cov-context=test', '--cov-report=term-missing', '--cov-fail-under=60'];
    expect(await plain(project, [...asked, '--cov-report=json:plain.json'])).toBe(0);
    const args = [...out, ...asked, '--cov-report', 'json:ours.json', '--cov-report=xml:reports/cov.xml', 'tests', '--', ...plugins];
    const result = await project.shardline(['run', ...args], settings);
    expect(result.exitCode, result.all).toBe(0);
    const report = await project.report();
    expect(report.agents.map(({ tests }) => tests > 0)).toEqual([true, true]);
    expect(await measured(project, 'ours.json')).toEqual(await measured(project, 'plain.json'));
    expect(report.coverage).toMatchObject({ failUnder: 60, isMet: true, missing: [], problems: [], warnings: [] });
    expect(result.stdout).toMatch(/pkg\/unimported\.py +2 +2 +0 +0 +0% +1-2\n/);
    expect(result.stdout).toMatch(/^coverage 66\.67 %, limit 60 %$/m);
    expect(await project.read('out/coverage.xml')).toBe(await project.read('reports/cov.xml'));
    expect(await project.read('out/.coverage')).toBe(await project.read('.coverage'));

    // Other tools of coverage.py can read the data file that the run leaves.
    const shown = await execa(python, ['-m', 'coverage', 'report', '--format=total', '--data-file=out/.coverage'], {
      cwd: project.directory,
    });
    expect(shown.stdout).toBe('67');
  } finally {
    for (const agent of agents) agent.kill('SIGTERM');
    await Promise.all(agents);
    await rm(place, { recursive: true });
  }
});

test('with --collect suite coverage equals that of plain pytest, and a total below the configured limit exits 1', async () => {
  await using project = await newProject({
    ...suite,
    'pytest.ini': '[pytest]\npythonpath = . tests\naddopts = --cov --cov-report json\n',
    '.coveragerc':
      '[run]\nbranch = true\nparallel = true\nsource = pkg\nrelative_files = true\n[report]\nfail_under = 90\n[json]\noutput = c.json\n',
  });
  expect(await plain(project, [])).toBe(1);
  const theirs = await measured(project, 'c.json');
  const args = [...out, '--collect', 'suite', '--agents', '2', '-n', '1', '--', ...plugins];
  const result = await project.shardline(['run', ...args], { SHARDLINE_PYTHON: environmentPython('plugins') });
  expect(result.exitCode, result.all).toBe(1);
  expect(await measured(project, 'c.json')).toEqual(theirs);
  const report = await project.report();
  expect(report).toMatchObject({ verdict: 'failed', totals: { passed: 2, failed: 0 } });
  expect(report.coverage).toMatchObject({ failUnder: 90, isMet: false, missing: [], problems: [] });
  expect(result.stdout).toContain('ERROR coverage of 66.67 % is below the limit of 90 % (--cov-fail-under)');
  expect(result.stdout).not.toContain('pkg/part.py');
});

test('a crashed worker loses only the coverage of the file it was running, and the run names that file (exit 11)', async () => {
  await using project = await newProject({
    ...suite,
    'tests/test_killer.py':
      'import os\nfrom pkg.part import never\ndef test_never(): assert never() == 1\ndef test_crash():\n    if not os.path.exists("crashed"):\n        open("crashed", "w").close()\n        os._exit(3)\n',
  });
  const args = [...out, '-n', '1', '--reruns', '1', '--reruns-limit', '100%', '--', ...plugins, '--cov=pkg', '--cov-fail-under=99'];
  const result = await project.shardline(['run', ...args], { SHARDLINE_PYTHON: environmentPython('plugins') });
  expect(result.exitCode, result.all).toBe(11);
  const report = await project.report();
  expect(report).toMatchObject({ verdict: 'incomplete', totals: { passed: 4, flaky: 1, notRun: 0 } });
  expect(report.coverage).toMatchObject({ isMet: null, missing: [{ file: 'tests/test_killer.py', agent: 'a1' }], problems: [] });
  expect(result.stdout).toContain('COVERAGE MISSING tests/test_killer.py - it ran on a1');
  expect(result.stdout).toMatch(/^coverage [\d.]+ % of what arrived, limit 99 % not checked$/m);

  // The recorded events give the same result.
  await mkdir(join(project.directory, 'again'));
  await writeFile(join(project.directory, 'again', 'events.ndjson'), await project.read('out/events.ndjson'));
  const again = await project.shardline(['report', 'again', '--json', 'again.json']);
  expect(again.exitCode).toBe(11);
  expect(JSON.parse(await project.read('again.json'))).toMatchObject({ coverage: report.coverage });
});

test('the merge of parts combines their coverage as plain pytest measures it, and checks the limit that no part checks', async () => {
  await using project = await newProject({ ...suite, 'pytest.ini': '[pytest]\npythonpath = . tests\n' });
  const python = environmentPython('plugins');
  const settings = { SHARDLINE_PYTHON: python };
  const asked = ['--cov=pkg', '--cov-branch', '--cov-fail-under=66', '--cov-report=term-missing'];
  expect(await plain(project, [...asked, '--cov-report=json:plain.json'])).toBe(0);
  const runPart = async (index: number, out: string, args: readonly string[]) => {
    const argv = ['run', '-n', '1', '--shard', `${index}/3`, '--out', out, '--', ...plugins, ...args];
    return await project.shardline(argv, settings);
  };
  const merge = (...more: readonly string[]) =>
    project.shardline(['report', '--merge', ...more, '--python', python, '--json', 'merged.json']);
  // The third part has no test.
  for (const index of [1, 2, 3]) {
    const part = await runPart(index, `parts/${index}`, [...asked, '--cov-report=json:ours.json']);
    expect(part.exitCode, part.all).toBe(0);
    if (index < 3) expect(part.stdout).toMatch(/^coverage [\d.]+ % of this part, the merge checks the limit of 66 %$/m);
  }
  const whole = await merge('parts/1', 'parts/2', 'parts/3');
  expect(whole.exitCode, whole.all).toBe(0);
  expect(whole.stdout).toMatch(/^coverage 66\.67 %, limit 66 %$/m);
  expect(await measured(project, 'ours.json')).toEqual(await measured(project, 'plain.json'));
  expect(JSON.parse(await project.read('merged.json')).coverage).toMatchObject({ isMet: true, missing: [], problems: [] });

  // Killed after its last test, while it combined its coverage.
  const lines = (await project.read('parts/2/events.ndjson')).split('\n');
  await mkdir(join(project.directory, 'parts/killed'));
  const kept = lines.slice(
    0,
    lines.findIndex((line) => line.includes('coverage-combined')),
  );
  await writeFile(join(project.directory, 'parts/killed/events.ndjson'), `${kept.join('\n')}\n`);
  const killed = await merge('parts/1', 'parts/killed', 'parts/3');
  expect(killed.exitCode, killed.all).toBe(11);
  expect(killed.stdout).toContain('the run ended before it combined its coverage');

  await rm(join(project.directory, 'parts/1/coverage.data'));
  const lacking = await merge('parts/1', 'parts/2', 'parts/3');
  expect(lacking.exitCode, lacking.all).toBe(11);
  expect(lacking.stdout).toContain('COVERAGE MISSING part 1 of 3 has no coverage.data');
  const without = await project.shardline(['report', '--merge', 'parts/1', 'parts/2', 'parts/3', '--python', 'no-such-python']);
  expect(without.exitCode, without.all).toBe(11);

  for (const index of [1, 2, 3]) expect((await runPart(index, `high/${index}`, ['--cov=pkg', '--cov-fail-under=90'])).exitCode).toBe(0);
  const below = await merge('high/1', 'high/2', 'high/3');
  expect(below.exitCode, below.all).toBe(1);
  expect(below.stdout).toContain('is below the limit of 90 % (--cov-fail-under)');
});
