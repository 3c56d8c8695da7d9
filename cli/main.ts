// The program: parses the command line, runs the command, and turns any thrown error into a message and an exit code.

import { readFile } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { assertNever } from '../shared/assert-never.ts';
import { messageOf, ShardlineError } from '../shared/errors.ts';
import type { Settings } from '../shared/settings/settings.ts';
import type { BesideCommand, Edge } from '../shared/system/edge.ts';
import { forPeople } from '../shared/system/terminal.ts';
import { readArguments } from './arguments.ts';
import { loadSettings } from './load-settings.ts';
import { readPipEnvironment } from './pip-environment.ts';

/** What the process gives the program, with its own streams. */
export type Given = Omit<Edge, 'stderr' | 'machine' | 'screen' | 'version' | 'beside'> & { readonly stderr: Edge['screen'] };

/** Resolves with the exit code; never rejects. */
export async function main(process: Given): Promise<number> {
  const { stdout: machine, stderr: screen } = process;
  const version = await ownVersion().catch(() => 'unknown');
  const open = new Set<Promise<number>>();
  const beside: Edge['beside'] = async (command) => {
    const abandoned = Promise.withResolvers<number>();
    const running = main({ ...process, ...besideGiven(command), abandon: abandoned.resolve }).finally(() => open.delete(running));
    open.add(running);
    return await Promise.race([running, abandoned.promise]);
  };
  const edge: Edge = { ...process, version, machine, screen, beside, stdout: forPeople(machine), stderr: forPeople(screen) };
  const exitCode = await commandOf(edge);
  // What a command has abandoned would keep the process.
  if (open.size > 0) process.abandon(exitCode);
  return exitCode;
}

const besideGiven = (command: BesideCommand) => ({
  ...command,
  stdout: new Writable({ write: (_chunk, _encoding, done) => done() }),
  launcher: undefined,
  onSignal: () => () => undefined,
});

async function commandOf(edge: Edge): Promise<number> {
  try {
    const given = readArguments(edge.argv, edge.version, edge.stdout);
    if (given === null) return 0;
    const settings = await loadSettings(given, { env: edge.env, cwd: edge.cwd, pip: readPipEnvironment(edge.launcher) });
    return await runCommandOf(settings, edge);
  } catch (thrown) {
    return printFailures(thrown, edge);
  }
}

/** Imports only the code of this command, so that it starts faster. */
async function runCommandOf(settings: Settings, edge: Edge): Promise<number> {
  switch (settings.command) {
    case 'run':
      return await (await import('../coordinator/commands/run.ts')).runCommand(settings, edge);
    case 'ci':
      return await (await import('../coordinator/commands/ci.ts')).ciCommand(settings, edge);
    case 'agent':
      return await (await import('../agent/commands/agent.ts')).agentCommand(settings, edge);
    case 'report':
      return await (await import('../coordinator/commands/report.ts')).reportCommand(settings, edge);
    case 'plan':
      return await (await import('../coordinator/commands/plan.ts')).planCommand(settings, edge);
    case 'init':
      return await (await import('../coordinator/init/init-command.ts')).initCommand(settings, edge);
    case 'doctor':
      return await (await import('../coordinator/doctor/doctor-command.ts')).doctorCommand(settings, edge);
    case 'status':
      return await (await import('../coordinator/commands/fleet/status.ts')).statusCommand(settings, edge);
    case 'cancel':
      return await (await import('../coordinator/commands/fleet/cancel.ts')).cancelCommand(settings, edge);
    case 'keygen':
      return await (await import('../coordinator/commands/keygen.ts')).keygenCommand(settings, edge);
    case 'runs':
      return await (await import('../coordinator/commands/runs.ts')).runsCommand(settings, edge);
    case 'clean':
      return await (await import('../coordinator/commands/clean.ts')).cleanCommand(settings, edge);
    case 'replay':
      return await (await import('../agent/commands/replay.ts')).replayCommand(settings, edge);
    case 'serve':
      return await (await import('../coordinator/commands/serve.ts')).serveCommand(settings, edge);
    case 'audit':
      return await (await import('../coordinator/audit/audit-command.ts')).auditCommand(settings, edge);
    default:
      return assertNever(settings);
  }
}

function printFailures(thrown: unknown, edge: Edge): number {
  const failures: readonly unknown[] = thrown instanceof AggregateError ? thrown.errors : [thrown];
  const errors = failures.map((failure) =>
    failure instanceof ShardlineError ? failure : new ShardlineError('internal', { problem: messageOf(failure) }, { cause: failure }),
  );
  for (const [index, error] of errors.entries()) {
    edge.stderr.write(`${index === 0 ? '' : '\n'}shardline: error: ${error.message}\n`);
    // Prints the stack only on request: it does not help most users.
    if (error.code === 'internal' && edge.env.DEBUG !== undefined && error.cause instanceof Error)
      edge.stderr.write(`${error.cause.stack}\n`);
  }
  return errors[0]?.exitCode ?? 3;
}

/** Reads package.json, which is one folder up both in the repository and in the published package. */
async function ownVersion(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : 'unknown';
}
