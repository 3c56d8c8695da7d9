// `shardline doctor`: checks what a run needs, and says how to fix what is missing. It runs no test and changes nothing.

import { messageOf, ShardlineError } from '../../shared/errors.ts';
import { printInterpreter } from '../../shared/pytest/interpreter-print.ts';
import { maxAutoWorkers } from '../../shared/settings/auto-workers.ts';
import type { DoctorSettings } from '../../shared/settings/settings.ts';
import type { Edge } from '../../shared/system/edge.ts';
import { gitPrint } from '../../shared/system/git-print.ts';
import { readMachine } from '../../shared/system/machine.ts';
import { harmless, oneLine, plural } from '../../shared/text/safe-text.ts';
import { inBytes } from '../reporters/summary/profile-text.ts';
import { checkRedis } from './check-server.ts';
import { checkSuite } from './check-suite.ts';
import { bad, doubtful, type Finding, ok, skipped } from './finding.ts';

const WORDS = { ok: 'ok', doubtful: 'note', bad: 'BAD', skipped: 'skip' } as const;
/** The lines below the first one begin under its text. */
const INDENT = ' '.repeat(15);

/** Resolves with 0, with 4 if a run could not start, or with 2 if a signal ended the checks. */
export async function doctorCommand(settings: DoctorSettings, edge: Edge): Promise<number> {
  const stopping = new AbortController();
  const ignore = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => edge.onSignal(name, () => stopping.abort(name)));
  const badOnes = new Set<string>();
  const print = ({ health, subject, text, fix }: Finding): void => {
    if (health === 'bad') badOnes.add(subject);
    edge.stdout.write(`${WORDS[health].padEnd(5)}${subject.padEnd(10)}${harmless(text).replaceAll('\n', `\n${INDENT}`)}\n`);
    if (fix !== null) edge.stdout.write(`${INDENT}Fix: ${oneLine(fix)}\n`);
  };
  try {
    print(ok('node', process.version));
    print(await machineOf(settings));
    print(await workspaceOf(settings));
    for (const [subject, check] of [
      ['python', () => interpreterOf(settings, stopping.signal)],
      ['redis', () => checkRedis(settings, edge.env.PATH ?? '')],
      ['suite', () => suiteOf(settings, badOnes, stopping.signal)],
    ] as const) {
      const findings = await check().catch((thrown: unknown) => (stopping.signal.aborted ? [] : failed(subject, thrown)));
      if (stopping.signal.aborted) {
        edge.stderr.write(`shardline: interrupted by ${stopping.signal.reason} before every check was done\n`);
        return 2;
      }
      for (const finding of findings) print(finding);
    }
    const isBad = badOnes.size > 0;
    edge.stdout.write(isBad ? 'A run cannot start here yet.\n' : 'A run can start here: `shardline run`.\n');
    return isBad ? 4 : 0;
  } finally {
    for (const stop of ignore) stop();
  }
}

/** What the suite needs is a finding of its own, whose error is not repeated here. */
async function suiteOf(settings: DoctorSettings, badOnes: ReadonlySet<string>, signal: AbortSignal): Promise<readonly Finding[]> {
  return badOnes.has('python') ? [skipped('suite', 'python')] : await checkSuite(settings, badOnes.has('redis'), signal);
}

/** An expected failure is a finding: its message ends with the fix. */
function failed(subject: string, thrown: unknown): readonly Finding[] {
  if (!(thrown instanceof ShardlineError)) throw thrown;
  const [what = '', fix = ''] = messageOf(thrown).split(/\nFix: (?!.*\nFix: )/s);
  return [bad(subject, what, fix)];
}

async function machineOf({ numprocesses, workerBytes }: DoctorSettings): Promise<Finding> {
  const machine = await readMachine();
  const workers = numprocesses === 'auto' ? maxAutoWorkers(machine, workerBytes) : Number(numprocesses);
  return ok('machine', `${machine.cpus} processors, ${inBytes(machine.memoryBytes)}: ${plural(workers, 'xdist worker')} for each agent`);
}

async function workspaceOf({ workspace }: DoctorSettings): Promise<Finding> {
  const git = await gitPrint(workspace);
  if (git === null) {
    const text = `${workspace} is not in git: agents elsewhere compare the content of all its Python files`;
    return doubtful('workspace', text, null);
  }
  const changed = git.changedFiles === 0 ? '' : `; agents elsewhere must have the same changes in ${plural(git.changedFiles, 'file')}`;
  return ok('workspace', `${workspace} at commit ${git.commit.slice(0, 12)}${changed}`);
}

async function interpreterOf({ python, workspace }: DoctorSettings, signal: AbortSignal): Promise<readonly Finding[]> {
  const { python: version, plugins } = await printInterpreter(python, workspace, signal);
  const install = `Run \`${python} -m pip install "pytest>=7" "pytest-xdist>=3"\`.`;
  if (plugins.pytest === '') return [bad('python', `${version} at ${python} has no pytest`, install)];
  if (plugins['pytest-xdist'] === undefined) return [bad('python', `${version} at ${python} has no pytest-xdist`, install)];
  const others = Object.entries(plugins).filter(([name]) => name !== 'pytest' && name !== 'pytest-xdist');
  const named = others.length === 0 ? '' : `; plugins ${others.map(([name, each]) => `${name} ${each}`).join(', ')}`;
  return [ok('python', `${version} at ${python}, pytest ${plugins.pytest}, pytest-xdist ${plugins['pytest-xdist']}${named}`)];
}
