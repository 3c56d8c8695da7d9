// Every codec of bytes that others wrote: how to make inputs for it, how to read one, and with which errors it may refuse one.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { createLineSplitter, decodeMessage as decodePluginMessage } from '../../agent/pytest/codec.ts';
import { merge } from '../../coordinator/core/result/merge.ts';
import { readFileLog } from '../../coordinator/record/file-log.ts';
import { readJunitFile } from '../../coordinator/record/junit-file.ts';
import { replayLog } from '../../coordinator/record/replay-log.ts';
import { readEntry } from '../../coordinator/redis/stream-entry.ts';
import { NO_PLACES } from '../../coordinator/report-places.ts';
import { annotations } from '../../coordinator/reporters/files/github.ts';
import { junitXml } from '../../coordinator/reporters/files/junit.ts';
import { summaryMarkdown } from '../../coordinator/reporters/files/summary-md.ts';
import { timelineText } from '../../coordinator/reporters/files/timeline-text.ts';
import { traceJson } from '../../coordinator/reporters/files/trace.ts';
import { attemptId, nodeId, shardId, testFile } from '../../shared/domain/ids.ts';
import type { Report } from '../../shared/domain/report.ts';
import { type ErrorCode, messageOf, ShardlineError } from '../../shared/errors.ts';
import { readCacheValues } from '../../shared/pytest/cache-directory.ts';
import { parseMeasureRecords } from '../../shared/pytest/measure-file.ts';
import { decodeDiscoveryResult } from '../../shared/pytest/result-file.ts';
import { readLines } from '../../shared/system/files/read-lines.ts';
import { decodeAttempt } from '../../shared/wire/attempt.ts';
import { decodeRecordedWork } from '../../shared/wire/begun-tests.ts';
import { decodeCommand } from '../../shared/wire/control.ts';
import { decodeEnvelope, type Reader } from '../../shared/wire/envelope.ts';
import { decodeEvents } from '../../shared/wire/events.ts';
import { decodeUnits, encodeUnits } from '../../shared/wire/fleet/leased-units.ts';
import { decodeVerdict, encodeVerdict } from '../../shared/wire/group.ts';
import { decodeHolder, encodeHolder } from '../../shared/wire/lease-holder.ts';
import { agentIdSchema, attemptIdSchema, nodeIdSchema, readId, runIdSchema } from '../../shared/wire/parse.ts';
import { decodeDivision, encodeDivision } from '../../shared/wire/report/part.ts';
import { decodeReport, encodeReport } from '../../shared/wire/report/report.ts';
import { decodeNote, encodeNote } from '../../shared/wire/run-note.ts';
import { decodeSpec, encodeSpec } from '../../shared/wire/run-spec.ts';
import { NO_VERIFIER, verifierOf } from '../../shared/wire/signature.ts';
import { decodeCensus, decodeCensusFile, encodeCensus, encodeCensusFile } from '../../shared/wire/suite/census.ts';
import { decodeFileTiming, decodeTimedFile, decodeTimings, encodeFileTiming, encodeTimings } from '../../shared/wire/suite/timings.ts';
import { readCertificate } from '../../shared/wire/trust/certificate.ts';
import { editedText, jsonTexts, lineTexts, messageTexts, noiseOf } from './mutations.ts';
import { discoveryResult, measured, pluginMessages } from './pytest-samples.ts';
import { address, attempts, batches, certificate, commands, log, opening, publicKey, reports, signedBatches } from './samples.ts';

export interface Codec {
  readonly name: string;
  /** Valid inputs. */
  readonly samples: readonly string[];
  readonly texts: fc.Arbitrary<string>;
  /** Reads one input. May refuse it only with an error of `codes`. */
  readonly read: (text: string) => unknown;
  readonly codes: ReadonlySet<ErrorCode>;
}

const READ: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['bad-message', 'newer-version']);
const MESSAGE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([...READ, 'older-version']);
const NEVER: ReadonlySet<ErrorCode> = new Set();
const anyone: Reader = { ...address, verifier: NO_VERIFIER };
const strict: Reader = {
  ...address,
  verifier: verifierOf({ keys: [{ key: publicKey, uses: ['agent'] }], mode: 'require', onDoubt: () => undefined, now: () => 0 }),
};
const digest = 'b'.repeat(64);

const message = (name: string, samples: readonly string[], read: Codec['read']): Codec => ({
  name,
  samples,
  texts: messageTexts(samples),
  read,
  codes: MESSAGE,
});
const json = (name: string, samples: readonly string[], read: Codec['read'], codes = READ): Codec => ({
  name,
  samples,
  texts: jsonTexts(samples),
  read,
  codes,
});

/** All codecs, and the directory for those that read files, which the caller disposes of. */
export function openCodecs(): Disposable & { readonly codecs: readonly Codec[] } {
  const directory = mkdtempSync(join(tmpdir(), 'shardline-fuzz-'));
  mkdirSync(join(directory, 'v', 'cache'), { recursive: true });
  const path = join(directory, 'input');
  const fromFile =
    <Value>(read: (path: string) => Promise<Value>) =>
    (text: string): Promise<Value> => {
      writeFileSync(path, text);
      return read(path);
    };
  const codecs = [...messages(), ...logs(fromFile), ...values(), ...filesOfPytest(fromFile, directory)];
  return { codecs, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}

const messages = (): readonly Codec[] => [
  message('spec of a run', [encodeSpec(opening.spec)], (text) => decodeSpec(text, anyone, 'x')),
  message('attempt', attempts, (text) => decodeAttempt(text, anyone, 'x')),
  message('command', commands, (text) => decodeCommand(text, anyone, 'x')),
  message('verdict of a group', [encodeVerdict(verdict, { ...address, generation: 0, epoch: 1 })], (text) =>
    decodeVerdict(text, anyone, 'x'),
  ),
  {
    name: 'certificate',
    samples: [certificate],
    texts: fc.oneof(noiseOf([certificate]), editedText(certificate)),
    read: readCertificate,
    codes: NEVER,
  },
  message('batch of events', batches, (text) => decodeEvents(text, anyone, 'x')),
  {
    ...message('signed batch of events', signedBatches, readSigned),
    codes: new Set<ErrorCode>([...MESSAGE, 'not-signed', 'unknown-key', 'bad-certificate', 'expired-certificate', 'bad-signature']),
  },
  {
    ...message('entry of the stream', batches, (text) => {
      const fields = new Map([
        ['agent', text.slice(0, 20)],
        ['batch', text],
      ]);
      return readEntry({ id: '1-0', fields }, anyone);
    }),
    codes: NEVER,
  },
];

const signedParts = (text: string): string => {
  const { type, pool, run, sender, seq, epoch, keyId, body } = decodeEnvelope(text, 'x');
  return JSON.stringify([type, pool, run, sender, seq, epoch, keyId, body]);
};
const signed = new Set(signedBatches.map(signedParts));

function readSigned(text: string): void {
  decodeEvents(text, strict, 'x');
  if (!signed.has(signedParts(text))) throw new Error('accepted a message that its sender did not sign');
}

type FromFile = <Value>(read: (path: string) => Promise<Value>) => (text: string) => Promise<Value>;

const logs = (fromFile: FromFile): readonly Codec[] => {
  const texts = lineTexts([log]);
  const samples = [log.map((line) => `${line}\n`).join('')];
  return [
    {
      name: 'run log',
      samples,
      texts,
      read: fromFile(async (path) => {
        const replayed = await replayLog(readFileLog(path), path);
        if (replayed !== null) written(merge(replayed.state, { finishedAt: replayed.state.coordinatorAt, mergeSeconds: 0 }));
      }),
      codes: MESSAGE,
    },
    { name: 'tests of a run log', samples, texts, read: fromFile((path) => decodeRecordedWork(readLines(path), path)), codes: MESSAGE },
  ];
};

/** Writes every form of a report, and reads the report again. */
export function written(report: Report): void {
  const text = [...encodeReport(report)].join('');
  try {
    decodeReport(text, 'x');
  } catch (thrown) {
    throw new Error(`shardline cannot read the report that it wrote: ${messageOf(thrown)}`);
  }
  junitXml(report);
  annotations(report, (file) => file);
  timelineText(report);
  traceJson(report, []);
  summaryMarkdown(report, NO_PLACES);
}

const timing = {
  seconds: 3,
  collectSeconds: 0.5,
  fixtureSeconds: 0,
  tests: new Map([[nodeId('test_a.py::test_x'), 1]]),
  lastRuns: new Map([[nodeId('test_a.py::test_x'), 'PFR']]),
};
const census = {
  problems: [],
  inseparable: null,
  inseparableFile: null,
  companions: [testFile('test_a.py')],
  loads: [{ file: null, modules: ['m'] }],
  failed: [nodeId('test_a.py::test_x')],
  uncollected: null,
  files: new Map([[testFile('test_a.py'), { content: digest, digest }]]),
};
const verdict = {
  run: address.run,
  exitCode: 1,
  line: '1 failed',
  failedOn: [],
  again: { failed: [nodeId('test_a.py::test_x')], notRun: [nodeId('test_b.py')] },
  files: digest,
  endedAt: null,
  reportDigest: null,
};
const holder = { id: '6f1c3c1e-7b1e-4a53-9f0e-5d1a3c0b2a11', host: 'h', pid: 3, line: null };
const notes = [
  {
    at: 1,
    deadline: null,
    state: {
      kind: 'running',
      filesDone: 1,
      files: 2,
      endsAt: null,
      load: { workSeconds: 1, lostAttempts: 0, rejected: { unreadable: 1 } },
    },
  },
  {
    at: 1,
    deadline: { seconds: 3, reserveSeconds: 1, endsAt: 9, met: true },
    state: { kind: 'ended', verdict: 'passed', exitCode: 0, report: { host: 'h', path: '/x' }, job: 'https://ci.example/1' },
  },
] as const;
const division = {
  pytestArgs: ['-q'],
  addopts: '',
  collect: 'auto',
  parts: [[testFile('test_a.py')], [testFile('test_b.py')]],
} as const;

const ids = ['a1', 'r1', 's1.1', 'test_a.py::test_x'];

const units = {
  epoch: 1,
  until: 16_000,
  limits: { db: 2 },
  claims: [{ attempt: attemptId(shardId(1), 1), resources: [{ name: 'db', units: 1 }], since: 1000, isGranted: true }],
};

const values = (): readonly Codec[] => [
  json('holder of a lease', [encodeHolder(holder)], (text) => decodeHolder(text, 'x')),
  json('units of a run', [encodeUnits(units)], (text) => decodeUnits(text, 'x')),
  json('note of a run', notes.map(encodeNote), (text) => decodeNote(text, 'x')),
  json('census', [encodeCensus(census)], (text) => decodeCensus(text, 'x')),
  json('file of censuses', [encodeCensusFile(new Map([['k', encodeCensus(census)]]))], (text) => decodeCensusFile(text, 'x')),
  json('durations of a file', [encodeFileTiming(timing)], (text) => decodeFileTiming(text, 'x')),
  json('file of durations', [encodeTimings(new Map([[testFile('test_a.py'), timing]]))], (text) => decodeTimings(text, 'x')),
  json('parts of a plan', [encodeDivision(division)], (text) => decodeDivision(text, 'x')),
  json(
    'report',
    reports.map((report) => [...encodeReport(report)].join('')),
    (text) => written(decodeReport(text, 'x')),
  ),
  {
    name: 'ids',
    samples: ids,
    texts: noiseOf(ids),
    read: (text) => [
      ...[agentIdSchema, runIdSchema, attemptIdSchema, nodeIdSchema].map((schema) => readId<unknown>(schema, text)),
      decodeTimedFile(text),
    ],
    codes: NEVER,
  },
];

const filesOfPytest = (fromFile: FromFile, directory: string): readonly Codec[] => [
  json("line of the plugin's socket", pluginMessages, decodePluginMessage),
  {
    name: "bytes of the plugin's socket",
    samples: pluginMessages.map((text) => `${text}\n${text}\n`),
    texts: noiseOf(pluginMessages.map((text) => `${text}\n${text}\n`)),
    read(text) {
      const split = createLineSplitter(1000);
      const bytes = Buffer.from(text);
      const middle = bytes.length >> 1;
      for (const line of [...split(bytes.subarray(0, middle)), ...split(bytes.subarray(middle))]) decodePluginMessage(line);
    },
    codes: READ,
  },
  json("result of pytest's discovery", [discoveryResult], (text) => decodeDiscoveryResult(text, 'python'), new Set([...READ, 'no-pytest'])),
  {
    name: 'measurements of pytest',
    samples: measured.map((text) => `${text}\n`),
    texts: jsonTexts(measured).map((text) => `${text}\n`),
    read: (text) => parseMeasureRecords(text, 'x'),
    codes: READ,
  },
  json(
    "values of pytest's cache",
    ['{"test_a.py::test_x":true}', '["test_a.py::test_x"]', '"test_a.py::test_x"'],
    (text) => {
      for (const key of ['lastfailed', 'nodeids', 'stepwise']) writeFileSync(join(directory, 'v', 'cache', key), text);
      return readCacheValues(directory);
    },
    NEVER,
  ),
  {
    name: 'JUnit file',
    samples: reports.map(junitXml),
    texts: noiseOf(reports.map(junitXml)),
    read: fromFile((path) =>
      readJunitFile(path).catch((thrown: unknown) => {
        // `readBaseline` translates its errors, which come from the parser.
        if (thrown instanceof TypeError || thrown instanceof RangeError) throw thrown;
        throw new ShardlineError('bad-message', { source: path, problem: String(thrown) });
      }),
    ),
    codes: READ,
  },
];
