// Measures the cost of signing in makespan (first shard enqueued to last result): one run with two agents, signed and verified in both
// directions, and the same unsigned, interleaved. Then it signs and verifies the messages of the last signed run again, alone.
//
//   node bench/signing/signing.ts [--rounds 10] [--files 50] [--tests 10] [--milliseconds 20] [--python PATH]
//
// Each test keeps its processor busy for about `--milliseconds`, so that signing competes with the tests. Other work on the machine changes
// the makespan more than signing does. It hardly changes the processor time of the whole command, with its agents and their pytest.
//
// Measured with --rounds 4 --files 400 --milliseconds 10, on two processors with nothing else to do:
//
//   makespan          median 14.49 s unsigned, 14.90 s signed; ratio of each pair 1.020, from 1.014 to 1.039
//   processor time    median 31.13 s unsigned, 32.01 s signed; ratio of each pair 1.029, from 1.017 to 1.030
//   2,875 messages    sign all 91 ms, verify those of agents 89 ms: 0.6 % of two processors during the makespan. The rest is not explained.

import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { startEmbeddedRedis } from '../../coordinator/redis/embedded-server.ts';
import { median } from '../../shared/numbers.ts';
import { decodeEnvelope } from '../../shared/wire/envelope.ts';
import { decodeReport } from '../../shared/wire/report/report.ts';
import { signerOf, verifierOf } from '../../shared/wire/signature.ts';

const shardline = fileURLToPath(new URL('../../cli/shardline.ts', import.meta.url));
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    files: { type: 'string', default: '50' },
    tests: { type: 'string', default: '10' },
    milliseconds: { type: 'string', default: '20' },
    python: { type: 'string', default: fileURLToPath(new URL('../../.venv/bin/python', import.meta.url)) },
  },
});
/** About as many numbers as Python adds up in a millisecond. */
const SUMS_PER_MS = 60_000;

const modes = ['unsigned', 'signed'] as const;
type Mode = (typeof modes)[number];

/** In seconds. */
interface Ran {
  readonly makespan: number;
  readonly processor: number;
}

const measures: readonly (readonly [what: string, of: (ran: Ran) => number])[] = [
  ['makespan', ({ makespan }) => makespan],
  ['processor time', ({ processor }) => processor],
];
const middle = (of: readonly number[]): number => median(of) ?? Number.NaN;
const shown = (ran: Ran | undefined): string =>
  ran === undefined ? '' : `${ran.makespan.toFixed(2)} s (${ran.processor.toFixed(2)} s of processors)`;

/** Prints the processor time of a command and of all processes that it waited for. */
const TIMED =
  'import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=sys.stderr); r = resource.getrusage(resource.RUSAGE_CHILDREN); print(r.ru_utime + r.ru_stime)';

const directory = await mkdtemp(join(tmpdir(), 'shardline-signing-'));
try {
  const workspace = join(directory, 'suite');
  await mkdir(workspace);
  const body = `import pytest
@pytest.mark.parametrize("number", range(${values.tests}))
def test_it(number): sum(range(${Math.round(Number(values.milliseconds) * SUMS_PER_MS)}))
`;
  for (let file = 0; file < Number(values.files); file += 1) await writeFile(join(workspace, `test_${file}.py`), body);
  await writeFile(join(workspace, 'pytest.ini'), '[pytest]\n');
  await execa(process.execPath, [shardline, 'keygen', join(directory, 'key')]);
  await compare(workspace);
} finally {
  await rm(directory, { recursive: true });
}

async function compare(workspace: string): Promise<void> {
  const ran = { unsigned: [] as Ran[], signed: [] as Ran[] };
  // The first run learns the durations.
  await run(workspace, 'unsigned', 'learned');
  for (let round = 1; round <= Number(values.rounds); round += 1) {
    const order = round % 2 === 0 ? modes : modes.toReversed();
    for (const mode of order) ran[mode].push(await run(workspace, mode, mode));
    const words = modes.map((mode) => `${mode} ${shown(ran[mode].at(-1))}`);
    console.log(`round ${round}: ${words.join(', ')}`);
  }
  for (const [what, of] of measures) {
    const [unsigned, signed] = modes.map((mode) => ran[mode].map(of)) as [number[], number[]];
    const ratios = signed.map((each, at) => each / (unsigned[at] ?? Number.NaN)).sort((left, right) => left - right);
    console.log(
      `${what}: median ${middle(unsigned).toFixed(2)} s unsigned, ${middle(signed).toFixed(2)} s signed; least ${Math.min(...unsigned).toFixed(2)} s and ${Math.min(...signed).toFixed(2)} s; ratio of each pair: median ${middle(ratios).toFixed(3)}, from ${ratios[0]?.toFixed(3)} to ${ratios.at(-1)?.toFixed(3)}`,
    );
  }
  await alone(join(directory, 'signed', 'events.ndjson'), middle(ran.signed.map(({ makespan }) => makespan)));
}

/** Runs the suite with two agents. */
async function run(workspace: string, mode: Mode, out: string): Promise<Ran> {
  await using server = await startEmbeddedRedis(
    { redisBin: null, pythons: [values.python], path: process.env.PATH ?? '' },
    new AbortController().signal,
  );
  const key = join(directory, 'key');
  const keys = mode === 'signed' ? ['--sign-key', key, '--trust', `${key}.pub`] : [];
  const place = ['--redis', server.url, '--workspace', workspace, '--python', values.python, '--out', join(directory, out)];
  const history = ['--timings', join(directory, 'timings.json')];
  const argv = ['run', '--agents', '2', '-n', '1', '--collect', 'file', ...place, ...history, ...keys];
  const { stdout } = await execa(values.python, ['-c', TIMED, process.execPath, shardline, ...argv], {
    cwd: workspace,
    env: { PYTHONDONTWRITEBYTECODE: '1' },
  });
  const report = decodeReport(await readFile(join(directory, out, 'report.json'), 'utf8'), 'report.json');
  return { makespan: report.profile.makespanSeconds, processor: Number(stdout) };
}

/** Signs and verifies the messages of a log in this process. */
async function alone(path: string, makespanSeconds: number): Promise<void> {
  const messages = (await readFile(path, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => decodeEnvelope(line, path));
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const signer = signerOf(privateKey);
  const keys = [{ key: publicKey, uses: ['agent', 'coordinator'] as const }];
  const verifier = verifierOf({ keys, mode: 'require', onDoubt: () => undefined, now: Date.now });
  const startedAt = process.cpuUsage().user;
  const signed = messages.map((message) => {
    const own = { ...message, keyId: signer.keyId };
    return { ...own, signature: signer.sign(own) };
  });
  const signedAt = process.cpuUsage().user;
  // What agents sign is verified. The records are only when another coordinator takes the run over.
  for (const message of signed) if (message.type === 'events') verifier.verify(message, path);
  const [signMs, verifyMs] = [(signedAt - startedAt) / 1000, (process.cpuUsage().user - signedAt) / 1000];
  const batches = messages.filter(({ type }) => type === 'events').length;
  console.log(
    `${messages.length} messages in the log, ${batches} of agents: sign all ${signMs.toFixed(0)} ms, verify those of agents ${verifyMs.toFixed(0)} ms of processor time, ${((100 * (signMs + verifyMs)) / 1000 / (makespanSeconds * 2)).toFixed(1)} % of two processors during the makespan`,
  );
}
