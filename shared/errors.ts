// The table of every failure that shardline expects: what, why, fix and exit code. docs/errors.md is kept equal to it by a test.

/** One row. `{name}` in a text is replaced by the value of that name given to `ShardlineError`. */
export interface ErrorRow {
  readonly exitCode: 2 | 3 | 4 | 5 | 10 | 11;
  readonly what: string;
  readonly why: string;
  readonly fix: string;
}

export const errorTable = {
  'bad-option': { exitCode: 4, what: '{problem}', why: 'The command line is not one shardline understands.', fix: '{fix}' },
  'bad-config': { exitCode: 4, what: '{problem}', why: 'Every setting is checked before anything runs.', fix: '{fix}' },
  'bad-selected-file': {
    exitCode: 4,
    what: '--selected {path} could not be used: {problem}',
    why: 'It must be a readable text file with one test file or node id a line.',
    fix: 'Check the path, or give - to read the list from standard input.',
  },
  'nothing-failed': {
    exitCode: 5,
    what: 'Nothing failed in {run} that --failed could run here.',
    why: 'A run without tests is not a success.',
    fix: 'Leave out --failed to run the whole suite.',
  },
  'no-last-run': {
    exitCode: 4,
    what: '--failed found no earlier run in {workspace}.',
    why: 'It reads the newest report in .shardline/runs or --out, else .pytest_cache.',
    fix: 'Run the suite once without --failed, or name a run with --baseline PATH.',
  },
  'bad-paths': {
    exitCode: 4,
    what: 'pytest refused the paths or options it was given:\n{output}',
    why: 'pytest itself ended with exit code {pytestExitCode} while it looked for test files.',
    fix: 'Run `{command}` and mend what it reports.',
  },
  'unsupported-option': {
    exitCode: 4,
    what: 'shardline cannot run pytest with these options: {problem}.',
    why: 'Tests run in xdist workers, maybe on several machines.',
    fix: 'Leave the option out, or run pytest itself: `{command}`.',
  },
  'plugin-without-xdist': {
    exitCode: 4,
    what: 'pytest refuses {option} in xdist workers.',
    why: '{plugin} switches itself off under xdist, because measurements beside other tests are not reliable.',
    fix: 'Run `{command}`, which starts no xdist workers.',
  },
  'bad-changed-since': {
    exitCode: 4,
    what: '--changed-since {ref} could not be used: {problem}',
    why: 'git compares the files below {rootdir} with that commit.',
    fix: 'Name a commit or branch that this clone has; a shallow clone may need `git fetch --unshallow`.',
  },
  'outside-root': {
    exitCode: 4,
    what: 'The test file {file} lies outside the rootdir {rootdir}.',
    why: 'Node ids are relative to the rootdir, and every agent must find the same file under its own.',
    fix: 'Give pytest a rootdir above all test files: add `-- --rootdir DIR`.',
  },
  'no-workspace': {
    exitCode: 4,
    what: 'The workspace {path} is not a directory that can be read.',
    why: 'pytest runs there.',
    fix: 'Give the root of the project with --workspace DIR.',
  },
  'no-python': {
    exitCode: 4,
    what: 'The Python interpreter {python} could not be started: {problem}',
    why: 'pytest runs in it.',
    fix: "Activate the project's virtual environment, or name its interpreter with --python PATH.",
  },
  'no-pytest': {
    exitCode: 4,
    what: 'The Python interpreter {python} has no usable {package}: {problem}',
    why: 'shardline runs tests with pytest 7 or later and pytest-xdist 3 or later.',
    fix: 'Run `{python} -m pip install "pytest>=7" "pytest-xdist>=3"`.',
  },
  'no-redis-server': {
    exitCode: 4,
    what: 'No Redis server program was found for the embedded Redis.',
    why: 'Looked for: {looked}.',
    fix: '{fix}',
  },
  'redis-start-failed': {
    exitCode: 3,
    what: 'The embedded Redis ({program}) did not start: {problem}',
    why: 'It should answer within {seconds} s.',
    fix: 'Run `{program} --version`; name another with --redis-bin, or use a running Redis with --redis URL.',
  },
  'redis-unreachable': {
    exitCode: 4,
    what: 'Could not connect to Redis at {url}: {problem} (after {seconds} s)',
    why: 'The coordinator and every agent talk through it.',
    fix: 'Check host, port and network, for example with `redis-cli -u {url} ping`.',
  },
  'not-redis': {
    exitCode: 4,
    what: 'The server at {url} is no Redis: its answer is not in the Redis protocol.',
    why: 'Another program listens there, or it expects TLS.',
    fix: 'Check host and port; write rediss:// for a Redis with TLS.',
  },
  'redis-no-database': {
    exitCode: 4,
    what: 'Redis at {url} has no database {database}: {problem}',
    why: 'Most servers have the databases 0 to 15, a Redis Cluster only 0.',
    fix: 'Name another database at the end of the URL, or none.',
  },
  'redis-auth': {
    exitCode: 4,
    what: 'Redis at {url} refused the user or password: {problem}',
    why: 'It requires authentication, or the account lacks a right that shardline needs.',
    fix: 'Give them in the URL (redis://user:password@host:port) by SHARDLINE_REDIS_URL; docs/redis.md lists the rights.',
  },
  'redis-too-old': {
    exitCode: 4,
    what: 'Redis at {url} is version {version}.',
    why: 'shardline needs Redis 6.2 or later, or Valkey 7.2 or later.',
    fix: 'Upgrade it, or leave out --redis to use an embedded one.',
  },
  'redis-refuses': {
    exitCode: 4,
    what: 'Redis at {url} can store nothing at the moment: {problem}',
    why: 'It is full, read-only after a failover, or held up by a script.',
    fix: 'Look with `redis-cli -u {url} info` at its memory and role, and start the run again.',
  },
  'redis-evicts': {
    exitCode: 4,
    what: 'Redis at {url} has maxmemory-policy {policy}.',
    why: 'With it Redis silently drops queued shards and results when memory is short.',
    fix: 'Run `redis-cli -u {url} config set maxmemory-policy noeviction`.',
  },
  'redis-lost': {
    exitCode: 11,
    what: 'Redis at {url} went away and did not come back in {seconds} s.',
    why: 'Without it no shard can be handed out and no result received.',
    fix: "Look at the server's log, then run again; what had arrived is in the report.",
  },
  'taken-over': {
    exitCode: 2,
    what: 'Run {runId} was taken over by another coordinator.',
    why: 'Another command resumed it with --resume, and a run has one coordinator.',
    fix: 'Read the report of the command that resumed it; this one has written none.',
  },
  'nothing-to-resume': {
    exitCode: 4,
    what: 'Run {runId} cannot be resumed: {problem}',
    why: 'A run is resumed from the events.ndjson that its coordinator has left in {path}.',
    fix: 'Give the same --workspace and --out as the run had.',
  },
  'newer-version': {
    exitCode: 4,
    what: 'A message in version {found} was received; this shardline reads up to version {known}.',
    why: 'The other side runs a newer shardline.',
    fix: 'Upgrade this side: `npm install shardline@latest`.',
  },
  'older-version': {
    exitCode: 4,
    what: '{source} is in format {found}, which an earlier shardline wrote; this one reads format {known}.',
    why: 'The format of recorded events changed.',
    fix: 'Give the report.json of that run, or read it with the shardline that wrote it.',
  },
  'bad-message': {
    exitCode: 3,
    what: 'A message from {source} could not be understood: {problem}',
    why: 'Whatever comes from Redis or pytest is checked once before it is used.',
    fix: "Make sure that nothing else writes to shardline's keys, and that both sides run the same version.",
  },
  'session-not-started': {
    exitCode: 11,
    what: 'pytest did not start on agent {agent}: {problem}',
    why: 'The session ended before it had collected anything.',
    fix: 'Run `{command}` on that machine and mend what it reports.',
  },
  'workspace-differs': {
    exitCode: 11,
    what: "Agent {agent} cannot serve run {runId}: its workspace differs from the run's: {differences}",
    why: 'Tests of another revision or environment would not have the results of this one.',
    fix: "Check out the run's commit with the same changes in the agent's --workspace, or start the run with --fingerprint warn.",
  },
  'output-not-writable': {
    exitCode: 4,
    what: 'The output {path} could not be written: {problem}',
    why: 'The outputs of a run are written before it ends, and checked before it begins.',
    fix: 'Choose another place with --out DIR, or fix its permissions.',
  },
  'disk-refuses': {
    exitCode: 4,
    what: 'The disk mounted at {disk} takes no more data: {problem}',
    why: 'These outputs are not there, or not whole: {files}.',
    fix: 'Free space on that disk, or write to another one with --out DIR.',
  },
  'out-in-use': {
    exitCode: 4,
    what: 'Another run is using {path}: {problem}.',
    why: 'A run replaces what an earlier one wrote there, so two at a time would mix their outputs.',
    fix: 'Give each run a directory of its own with --out DIR, or wait until the other one has ended.',
  },
  'no-temp-directory': {
    exitCode: 4,
    what: 'No temporary file could be written in {places}: {problem}',
    why: 'The sockets and session files of pytest and the embedded Redis are kept there.',
    fix: 'Free space there, or set TMPDIR to a directory that can be written.',
  },
  'not-a-result': {
    exitCode: 4,
    what: '{path} is not the result of a run: {problem}',
    why: 'It must be the folder that a run left, its report.json or its events.ndjson.',
    fix: 'Name one of them, or the id of a run in .shardline/runs.',
  },
  'nothing-to-replay': {
    exitCode: 4,
    what: 'Nothing of the run {run} can be replayed: {problem}',
    why: 'A replay runs again what events.ndjson says that an agent or xdist worker began.',
    fix: '{fix}',
  },
  'node-too-old': {
    exitCode: 4,
    what: 'This is Node.js {version}.',
    why: 'shardline needs Node.js 22.12 or later.',
    fix: 'Install a current Node.js.',
  },
  internal: {
    exitCode: 3,
    what: 'shardline failed in a way it did not expect: {problem}',
    why: 'This is a defect in shardline.',
    fix: 'Report it with the log (--log-level debug --log-file FILE).',
  },
  'cannot-listen': {
    exitCode: 4,
    what: 'The dashboard cannot listen on {host} port {port}: {problem}',
    why: 'The address must be one of this machine, and the port free.',
    fix: 'Give another with --port, or --port 0 for any that is free.',
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errorTable;
export const errorCodes = Object.keys(errorTable) as ErrorCode[];

type Values = Readonly<Record<string, string | number>>;

/** An expected failure: a row of the table with its values. `message` is the whole text, ending in `Fix: …`. */
export class ShardlineError extends Error {
  readonly code: ErrorCode;
  readonly exitCode: number;
  readonly values: Values;

  constructor(code: ErrorCode, values: Values = {}, options?: { cause?: unknown }) {
    const row: ErrorRow = errorTable[code];
    super(`${fill(row.what, values)}\n${fill(row.why, values)}\nFix: ${fill(row.fix, values)}`, options);
    this.name = 'ShardlineError';
    this.code = code;
    this.exitCode = row.exitCode;
    this.values = values;
  }
}

function fill(template: string, values: Values): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The text of anything thrown, for the `problem` of a row. */
export const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));
