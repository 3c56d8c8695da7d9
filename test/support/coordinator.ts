// A coordinator in a process of its own, which can be killed and frozen: `node coordinator.ts URL SPEC POOL RUN_ID` opens the run, looks at it every
// second as a run loop does, and exits when it has lost the run.

import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { RunChannel } from '../../coordinator/ports.ts';
import { openLivenessLine } from '../../coordinator/redis/liveness-line.ts';
import { redisPools } from '../../coordinator/redis/pools.ts';
import type { Clock } from '../../shared/clock.ts';
import { runId } from '../../shared/domain/ids.ts';
import type { RunSpec } from '../../shared/domain/run-spec.ts';
import { ShardlineError } from '../../shared/errors.ts';
import { connect } from '../../shared/redis/connect.ts';
import { systemClock } from '../../shared/system/clock.ts';
import { decodeSpec, encodeSpec } from '../../shared/wire/run-spec.ts';
import { NO_VERIFIER } from '../../shared/wire/signature.ts';
import { eventually } from './eventually.ts';

const LOOK_MS = 1000;
const program = fileURLToPath(import.meta.url);

/** Looks at the run, and announces it again after Redis lost it, until another coordinator takes it over. */
export async function keepRun(channel: RunChannel, clock: Clock): Promise<void> {
  for (;;) {
    try {
      const { kind } = await channel.presence();
      if (kind === 'emptied') await channel.announce();
    } catch (thrown) {
      if (thrown instanceof ShardlineError && thrown.code === 'taken-over') return;
      throw thrown;
    }
    await clock.wait(LOOK_MS);
  }
}

/** Resolves when the coordinator has opened the run. */
export async function startCoordinator(url: string, spec: RunSpec) {
  const command = execa(process.execPath, [program, url, encodeSpec(spec), spec.pool, spec.runId], {
    reject: false,
    stdin: 'ignore',
    all: true,
  });
  let said = '';
  command.all.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await eventually('the coordinator has opened its run', () => said.includes('open'));
  return {
    async kill() {
      command.kill('SIGKILL');
      await command;
    },
    freeze: () => void command.kill('SIGSTOP'),
    async thaw() {
      command.kill('SIGCONT');
      const { exitCode, all } = await command;
      if (exitCode !== 0) throw new Error(`the coordinator ended with exit code ${exitCode}: ${all}`);
    },
  };
}

if (argv[1] === program) {
  const [url = '', spec = '', pool = '', run = ''] = argv.slice(2);
  const address = { pool, run: runId(run) };
  const redis = await connect(url, 'other coordinator');
  const channel = await redisPools(redis, { line: openLivenessLine(redis) }).openRun(
    decodeSpec(spec, { ...address, verifier: NO_VERIFIER }, 'the command line'),
  );
  process.stdout.write('open\n');
  await keepRun(channel, systemClock);
  process.exit(0);
}
