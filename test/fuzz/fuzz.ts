// `npm run fuzz -- --inputs 100000 --seed 1`: reads inputs with every codec. Exits with 1 if one crashes, hangs, or makes a run green that is not.

import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type Checked, fuzz } from './check.ts';

const USAGE = 'usage: npm run fuzz -- [--inputs NUMBER] [--seed NUMBER]';
/** The longest that one input may take. Honest ones of this size take milliseconds; a loaded machine needs more. */
const LONGEST_MS = 20_000;

interface Task {
  readonly inputs: number;
  readonly seed: number;
  /** Counts inputs, for the thread that watches. */
  readonly count: SharedArrayBuffer;
}

if (isMainThread) process.exitCode = await command();
else await work(workerData as Task);

async function work({ inputs, seed, count }: Task): Promise<void> {
  const counter = new Int32Array(count);
  const onInput = (): void => void Atomics.add(counter, 0, 1);
  for await (const checked of fuzz({ inputs, seed, onInput })) parentPort?.postMessage(checked);
}

async function command(): Promise<number> {
  const { values } = parseArgs({ options: { inputs: { type: 'string', default: '10000' }, seed: { type: 'string', default: '1' } } });
  const [inputs, seed] = [Number(values.inputs), Number(values.seed)];
  if (!Number.isSafeInteger(inputs) || inputs < 1 || !Number.isSafeInteger(seed)) {
    console.error(USAGE);
    return 4;
  }
  const begunAt = performance.now();
  const count = new SharedArrayBuffer(4);
  const results: Checked[] = [];
  const worker = new Worker(new URL(import.meta.url), { workerData: { inputs, seed, count } satisfies Task });
  const ended = Promise.withResolvers<string | null>();
  worker.on('message', (checked: Checked) => {
    results.push(checked);
    const { name, inputs: read, accepted, fault } = checked;
    console.error(`${name}: ${read} inputs${accepted === null ? '' : `, ${accepted} accepted`}${fault === null ? '' : ', FAULT'}`);
    if (fault !== null) console.log(`${name}: ${fault}`);
  });
  worker.on('error', (thrown) => ended.resolve(`crashed: ${thrown instanceof Error ? thrown.stack : String(thrown)}`));
  worker.on('exit', () => ended.resolve(null));
  const stopped = await Promise.race([ended.promise, hang(new Int32Array(count), ended.promise)]);
  await worker.terminate();
  if (stopped !== null) console.log(`${stopped}, after ${results.at(-1)?.name ?? 'nothing'}`);
  const faults = results.filter(({ fault }) => fault !== null).length + (stopped === null ? 0 : 1);
  const total = results.reduce((sum, { inputs: read }) => sum + read, 0);
  const seconds = ((performance.now() - begunAt) / 1000).toFixed(1);
  console.log(
    `seed ${seed}: ${total} inputs of ${results.length} kinds in ${seconds} s, ${faults === 0 ? 'no fault' : `${faults} faults`}`,
  );
  return faults === 0 ? 0 : 1;
}

/** Resolves when one input has taken too long. */
async function hang(counter: Int32Array, ended: Promise<unknown>): Promise<string> {
  const over = new AbortController();
  void ended.then(() => over.abort());
  let [last, since] = [-1, performance.now()];
  while (!over.signal.aborted) {
    const now = Atomics.load(counter, 0);
    if (now !== last) [last, since] = [now, performance.now()];
    if (performance.now() - since > LONGEST_MS) return `input ${now} took more than ${LONGEST_MS / 1000} s`;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return 'ended';
}
