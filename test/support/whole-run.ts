// One real run: a coordinator and two agents, each a process of its own, over a given Redis.

import { newProject, outcomesOf, type Project } from './shardline.ts';

/** Every kind of outcome, in files that take long enough for both agents. */
const file = `
import time
import pytest

@pytest.fixture
def broken():
    raise RuntimeError("broken")

def test_passes():
    time.sleep(0.1)

def test_fails():
    assert 0

def test_skips():
    pytest.skip("not here")

@pytest.mark.requires("gpu")
@pytest.mark.resource("db")
@pytest.mark.xfail
def test_xfails():
    assert 0

def test_errors(broken):
    pass
`;
const FILES = 8;
const expectedOf = { passes: 'passed', fails: 'failed', skips: 'skipped', xfails: 'xfailed', errors: 'error' } as const;

export interface WholeRun {
  readonly outcomes: Readonly<Record<string, string>>;
  readonly expected: Readonly<Record<string, string>>;
  readonly exitCode: number | undefined;
  readonly said: string;
}

export interface WholeRunOptions {
  /** Called once the run has begun; the run goes on meanwhile. */
  readonly during?: () => Promise<void>;
  readonly files?: number;
  /** For the run and for its agents. */
  readonly options?: readonly string[];
  /** For the run. */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the agents that are still there after the run: without a Redis, an agent takes half a minute to leave. */
  readonly signal?: 'SIGTERM' | 'SIGKILL';
}

export async function wholeRun(
  urls: { readonly run: string; readonly agent: string },
  { during = async () => undefined, files = FILES, options = [], env = {}, signal = 'SIGTERM' }: WholeRunOptions = {},
): Promise<WholeRun> {
  const names = Array.from({ length: files }, (_, index) => `test_${index}.py`);
  await using project = await newProject(Object.fromEntries(names.map((name) => [name, file])));
  const agents = ['one', 'two'].map((name) =>
    project.shardline(
      ['agent', '--name', name, ...(name === 'two' ? ['--label', 'gpu'] : []), '-n', '1', '--once', '--max-idle', '60s', ...options],
      { SHARDLINE_REDIS_URL: urls.agent },
    ),
  );
  try {
    const run = project.shardline(['run', '--out', 'out', ...options], { SHARDLINE_REDIS_URL: urls.run, ...env });
    const meanwhile = during();
    const { exitCode, all } = await run;
    await meanwhile;
    return {
      outcomes: await reported(project, all),
      expected: Object.fromEntries(
        names.flatMap((name) => Object.entries(expectedOf).map(([test, outcome]) => [`${name}::test_${test}`, outcome])),
      ),
      exitCode,
      said: all,
    };
  } finally {
    for (const agent of agents) agent.kill(signal);
    await Promise.all(agents);
  }
}

async function reported(project: Project, said: string): Promise<Readonly<Record<string, string>>> {
  if (!project.holds('out/report.json')) throw new Error(`the run wrote no report: ${said}`);
  return outcomesOf(await project.report());
}
