// The table of every failure that shardline expects: what happened, why, the fix and the exit code. A test keeps docs/errors.md equal to
// it.

/** One row. `{name}` in a text stands for the value of that name in `ShardlineError`. */
export interface ErrorRow {
  readonly exitCode: 2 | 3 | 4 | 5 | 10 | 11;
  readonly what: string;
  /** Empty when the first sentence is enough. */
  readonly why: string;
  readonly fix: string;
}

export const errorTable = {
  'bad-option': {
    exitCode: 4,
    what: '{problem}',
    why: '',
    fix: '{fix}',
  },
  'bad-config': {
    exitCode: 4,
    what: '{problem}',
    why: '',
    fix: '{fix}',
  },
  'bad-selected-file': {
    exitCode: 4,
    what: 'Could not read a list of tests from --selected {path}: {problem}',
    why: '',
    fix: 'Give a text file with one test file or node id per line, or - to read the list from standard input.',
  },
  'nothing-failed': {
    exitCode: 5,
    what: '--failed has nothing to run: no test failed in {run}.',
    why: '',
    fix: 'Run without --failed to run the whole suite.',
  },
  'no-last-run': {
    exitCode: 4,
    what: '--failed found no earlier run in {workspace}.',
    why: 'It reads the newest report in .shardline/runs or --out, else .pytest_cache.',
    fix: 'Run the suite once without --failed, or name a run with --baseline PATH.',
  },
  'bad-paths': {
    exitCode: 4,
    what: 'pytest rejected its paths or options (exit code {pytestExitCode}):\n{output}',
    why: '',
    fix: 'Run `{command}` to reproduce, then fix the error it reports.',
  },
  'unsupported-option': {
    exitCode: 4,
    what: 'shardline cannot run pytest with these options: {problem}.',
    why: 'It runs tests in xdist workers, maybe on several machines.',
    fix: 'Remove the option, or run pytest itself: `{command}`.',
  },
  'plugin-without-xdist': {
    exitCode: 4,
    what: '{option} does not work in xdist workers.',
    why: '{plugin} disables itself under xdist, because tests that run in parallel distort its measurements.',
    fix: 'Run `{command}`, which starts no xdist workers.',
  },
  'bad-changed-since': {
    exitCode: 4,
    what: 'Could not compare with --changed-since {ref}: {problem}',
    why: 'git compares the files below {rootdir} with that commit.',
    fix: 'Name a commit or branch of this clone. In a shallow clone, run `git fetch --unshallow` first.',
  },
  'outside-root': {
    exitCode: 4,
    what: 'The test file {file} is outside the rootdir {rootdir}.',
    why: 'Node ids are relative to the rootdir, so an agent could not find the file.',
    fix: 'Give pytest a rootdir above all test files: add `-- --rootdir DIR`.',
  },
  'no-workspace': {
    exitCode: 4,
    what: 'The workspace {path} is not a readable directory.',
    why: '',
    fix: 'Name the root of the project with --workspace DIR.',
  },
  'no-python': {
    exitCode: 4,
    what: 'Could not start the Python interpreter {python}: {problem}.',
    why: '',
    fix: "Activate the project's virtual environment, or name its interpreter, for example --python .venv/bin/python.",
  },
  'no-pytest': {
    exitCode: 4,
    what: 'The Python interpreter {python} has no usable {package}: {problem}',
    why: 'shardline needs pytest 7 or later and pytest-xdist 3 or later.',
    fix: 'Run `{python} -m pip install "pytest>=7" "pytest-xdist>=3"`.',
  },
  'no-redis-server': {
    exitCode: 4,
    what: 'Found no Redis server program for the embedded Redis.',
    why: 'Looked for {looked}.',
    fix: '{fix}',
  },
  'redis-start-failed': {
    exitCode: 3,
    what: 'The embedded Redis ({program}) did not start within {seconds} s: {problem}',
    why: '',
    fix: 'Run `{program} --version` to check the program; name another with --redis-bin, or use a running Redis with --redis URL.',
  },
  'redis-unreachable': {
    exitCode: 4,
    what: 'Could not connect to Redis at {url}: {problem}',
    why: '',
    fix: 'Start Redis there, or correct the URL. Check it with `shardline doctor --redis URL`.',
  },
  'ci-without-redis': {
    exitCode: 11,
    what: 'This job could not reach the Redis that its jobs share: {problem}',
    why: 'The jobs divide the suite through Redis.',
    fix: 'Start that Redis, or correct SHARDLINE_REDIS_URL. For jobs without a Redis, write another workflow: `shardline init`.',
  },
  'ci-other-files': {
    exitCode: 11,
    what: 'Run {runId} of these jobs has ended, with other files than this job has.',
    why: 'Its verdict covers other files.',
    fix: 'Check out the same commit in all jobs, and let git ignore what tests write.',
  },
  'not-redis': {
    exitCode: 4,
    what: 'The server at {url} is not Redis: its answer does not follow the Redis protocol.',
    why: 'Another program listens there, or the server expects TLS.',
    fix: 'Check host and port; for a Redis with TLS, write rediss://.',
  },
  'bad-tls-file': {
    exitCode: 4,
    what: 'Could not use {option} {path}: {problem}',
    why: '',
    fix: '{fix}',
  },
  'redis-tls': {
    exitCode: 4,
    what: 'Could not set up TLS with Redis at {url}: {problem}',
    why: '',
    fix: '{fix}',
  },
  'redis-no-database': {
    exitCode: 4,
    what: 'Redis at {url} has no database {database}: {problem}',
    why: 'Most servers have databases 0 to 15; a Redis Cluster has only 0.',
    fix: 'Change or remove the database number at the end of the URL.',
  },
  'redis-auth': {
    exitCode: 4,
    what: 'Redis at {url} rejected the user or password: {problem}',
    why: 'The server requires authentication, or the account lacks a permission that shardline needs.',
    fix: 'Set SHARDLINE_REDIS_URL to redis://user:password@host:port. If both are right, give the account its permissions: "Create accounts" in the documentation of shardline lists them.',
  },
  'redis-is-cluster': {
    exitCode: 4,
    what: 'Redis at {url} is one server of a cluster.',
    why: 'It has only a part of the keys.',
    fix: 'Write redis+cluster:// in place of redis://, or rediss+cluster:// in place of rediss://.',
  },
  'redis-is-sentinel': {
    exitCode: 4,
    what: 'The server at {url} is a Sentinel, which stores no data.',
    why: '',
    fix: 'Write redis+sentinel://HOST:PORT/NAME, with the name of the group that it monitors.',
  },
  'redis-no-cluster': {
    exitCode: 4,
    what: 'Redis at {url} is not a cluster.',
    why: 'The server runs without cluster mode.',
    fix: 'Write redis:// in place of redis+cluster://, or rediss:// in place of rediss+cluster://.',
  },
  'not-sentinel': {
    exitCode: 4,
    what: 'The servers at {url} are not Sentinels.',
    why: 'redis+sentinel:// names the Sentinels, and they name the Redis server.',
    fix: 'Write host and port of the Sentinels (port 26379 by default), or redis:// for a Redis without Sentinels.',
  },
  'no-sentinel-group': {
    exitCode: 4,
    what: 'The Sentinels at {url} monitor no group {name}.',
    why: '',
    fix: 'Correct the name at the end of the URL. `redis-cli -h HOST -p 26379 sentinel masters` lists the groups.',
  },
  'sentinel-auth': {
    exitCode: 4,
    what: 'The Sentinels at {url} rejected the user or password: {problem}',
    why: 'Sentinels have accounts of their own; the user and password before the hosts are those of the Redis servers.',
    fix: "Add the Sentinels' account to the URL in SHARDLINE_REDIS_URL: /NAME?sentinel_username=USER&sentinel_password=PASSWORD.",
  },
  'redis-too-old': {
    exitCode: 4,
    what: 'Redis at {url} is version {version}.',
    why: 'shardline needs Redis 6.2 or later, or Valkey 7.2 or later.',
    fix: 'Upgrade the server, or remove --redis to use an embedded Redis.',
  },
  'redis-refuses': {
    exitCode: 4,
    what: 'Redis at {url} accepts no writes: {problem}',
    why: 'It is out of memory, read-only after a failover, or busy with a script.',
    fix: 'Check memory and role with `redis-cli -u {url} info`, then start the run again.',
  },
  'redis-evicts': {
    exitCode: 4,
    what: 'Redis at {url} has maxmemory-policy {policy}.',
    why: 'With this policy Redis silently drops queued shards and results when memory is short.',
    fix: 'Run `redis-cli -u {url} config set maxmemory-policy noeviction`.',
  },
  'taken-over': {
    exitCode: 2,
    what: 'Another coordinator took over run {runId}.',
    why: 'This one did not answer for a while, and a command resumed the run with --resume.',
    fix: 'Read the report of that command; this one wrote none.',
  },
  'run-is-served': {
    exitCode: 4,
    what: 'Could not resume run {runId}: its coordinator still runs on {host} (pid {pid}).',
    why: 'It kept answering for {seconds} s, and a run has one coordinator at a time.',
    fix: 'Wait for that command to end and read its report, or stop it on {host} with `kill {pid}` and resume then.',
  },
  'nothing-to-resume': {
    exitCode: 4,
    what: 'Could not resume run {runId}: {problem}',
    why: 'A run is resumed from the events.ndjson that its coordinator wrote to {path}, or from its log in the Redis of --redis.',
    fix: 'Pass the same --workspace and --out as the run, or the same --redis on another machine.',
  },
  'newer-version': {
    exitCode: 4,
    what: 'Received a message in version {found}; this shardline reads up to version {known}.',
    why: 'The sender runs a newer shardline.',
    fix: 'Upgrade this one: `pip install --upgrade shardline`.',
  },
  'older-version': {
    exitCode: 4,
    what: '{source} is in format {found}, which an earlier shardline wrote; this one reads format {known}.',
    why: 'The format of messages and recorded events changed.',
    fix: 'Run the same version everywhere. For a finished run, give its report.json, or use the shardline that wrote it.',
  },
  'name-taken': {
    exitCode: 11,
    what: 'Could not report to run {runId}: another process sends messages in the name of agent {agent}.',
    why: 'Two agents have the same name, or another program writes to this Redis.',
    fix: 'Start the agent again, and find out who can write to this Redis. The run goes on with other agents.',
  },
  'not-signed': {
    exitCode: 11,
    what: 'Could not trust {source}: it is not signed.',
    why: 'With --trust, only messages that a trusted key has signed count.',
    fix: 'Start its sender, a run or an agent, with --sign-key FILE. If it already has one, find out which other program writes to this Redis.',
  },
  'unknown-key': {
    exitCode: 11,
    what: 'Could not trust {source}: it is signed with key {key}, which is not trusted here.',
    why: '',
    fix: 'Start its sender with --sign-key and a key that is trusted here. If this key is the right one, append its public key to the file of --trust, `cat KEY.pub >> FILE`, and start this command again.',
  },
  'other-role': {
    exitCode: 11,
    what: 'Could not trust {source}: it is signed with key {key}, which is not trusted in the role {role}.',
    why: 'Each trusted key may sign only what its `Use:` line, or its place, allows.',
    fix: 'Sign with a key for this role. For a pool key, certify a key with `shardline keygen KEY.pub --certify POOL_KEY --role {role}`. To allow the key itself, write `Use: {role}` above it in the file of --trust.',
  },
  'bad-certificate': {
    exitCode: 11,
    what: 'Could not trust {source}: the certificate of its key {key} {problem}.',
    why: '',
    fix: 'Certify the key again with `shardline keygen KEY.pub --certify POOL_KEY`, where POOL_KEY is a pool key that --trust names there, and with --role, --pools or --runs as needed. Then restart the command that uses it.',
  },
  'expired-certificate': {
    exitCode: 11,
    what: 'Could not trust {source}: the certificate of its key {key} {problem}.',
    why: 'A certificate must last until the end of the run.',
    fix: 'Certify the key for longer with `shardline keygen KEY.pub --certify POOL_KEY --valid DURATION`, and restart the command that uses it.',
  },
  'bad-signature': {
    exitCode: 11,
    what: 'Could not trust {source}: its signature with key {key} is wrong.',
    why: 'The message was changed or forged.',
    fix: 'Find out who can write to this Redis, and change its passwords.',
  },
  'other-key': {
    exitCode: 11,
    what: 'Could not trust {source}: {sender} has used another key before.',
    why: 'The owner of another trusted key sends messages in its name.',
    fix: 'Find out who holds the trusted keys, and replace the key that is misused.',
  },
  'past-epoch': {
    exitCode: 11,
    what: 'Could not trust {source}: another coordinator has taken the run over since it was sent.',
    why: '',
    fix: 'Find out who can write to this Redis, and change its passwords.',
  },
  'run-expired': {
    exitCode: 11,
    what: 'Could not join run {runId}: it expired at {at}.',
    why: 'A run says until when it may be served, so that it cannot be announced again later.',
    fix: 'Start a new run.',
  },
  'bad-key': {
    exitCode: 4,
    what: 'Could not use the key {path}: {problem}',
    why: '',
    fix: '{fix}',
  },
  'bad-message': {
    exitCode: 3,
    what: 'Could not parse {source}: {problem}',
    why: 'Another program wrote it, or another version of shardline.',
    fix: "Run the same version everywhere, and let no other program write to shardline's keys.",
  },
  'units-unreadable': {
    exitCode: 11,
    what: 'Could not read from {key} which resources run {runId} may use: {problem}',
    why: 'Agents run tests with resources only while they can read it.',
    fix: "Give the agents' Redis account the permission to read this key, and run the same version everywhere.",
  },
  'session-not-started': {
    exitCode: 11,
    what: 'pytest did not start on agent {agent}: {problem}',
    why: '',
    fix: 'Run `{command}` on that machine to reproduce, then fix the error it reports.',
  },
  'workspace-differs': {
    exitCode: 11,
    what: "Agent {agent} cannot join run {runId}: its workspace differs from the run's: {differences}",
    why: 'Tests of another revision or environment can give other results.',
    fix: "Check out the run's commit with the same changes in the agent's --workspace, or start the run with --fingerprint warn.",
  },
  'cannot-run-as': {
    exitCode: 4,
    what: 'Could not run tests as {user}: {problem}',
    why: '',
    fix: '{fix}',
  },
  'no-source': {
    exitCode: 11,
    what: 'Run {runId} names no repository and commit to fetch.',
    why: 'Agents with --source git run tests in a checkout of the commit of the run.',
    fix: 'Start the run in a git checkout with a remote, or name its repository with --repository URL.',
  },
  'repository-not-allowed': {
    exitCode: 11,
    what: 'This agent may not fetch from {repository}.',
    why: 'It fetches only from repositories that its own configuration allows.',
    fix: 'Start the agent with `--allow-repository {repository}` too, if everyone who can push there may run code on it.',
  },
  'uncommitted-changes': {
    exitCode: 11,
    what: 'Run {runId} has uncommitted changes (changed files: {files}), which an agent cannot fetch.',
    why: 'Tests of another revision can give other results.',
    fix: 'Commit and push the changes, or use agents with a workspace of their own.',
  },
  'checkout-failed': {
    exitCode: 11,
    what: 'Could not check out {commit} of {repository}: {problem}',
    why: '',
    fix: 'Push the commit, and let that machine read the repository: `git ls-remote {repository}` must work there without a question.',
  },
  'prepare-failed': {
    exitCode: 11,
    what: 'Could not prepare {commit} of {repository}: `{command}` ended with {how}.\n{output}',
    why: '',
    fix: 'Run the command in a checkout of that commit on that machine to reproduce.',
  },
  'args-not-accepted': {
    exitCode: 4,
    what: 'Agent {agent} does not accept these arguments of run {runId} for pytest: {args}',
    why: 'Anyone who can write to Redis can start a run, and these arguments can run code or write files on this machine.',
    fix: 'Start the agent with `--accept-args any` if you trust everyone who can write to this Redis, or put the arguments in the configuration of pytest.',
  },
  'path-not-accepted': {
    exitCode: 4,
    what: 'Agent {agent} does not run these files of run {runId}, which lie outside its workspace: {paths}',
    why: 'A link in the workspace leads to other files of this machine, and anyone who can write to Redis can name any file.',
    fix: 'Start the agent with `--accept-args any` if you trust everyone who can write to this Redis, or copy the files into the workspace.',
  },
  'output-not-writable': {
    exitCode: 4,
    what: 'Could not write {path}: {problem}',
    why: '',
    fix: 'Write to another directory with --out DIR, or fix the permissions.',
  },
  'already-there': {
    exitCode: 4,
    what: '{path} exists already.',
    why: 'shardline never overwrites a file.',
    fix: 'Rename or delete it, or run without --write and copy what you need.',
  },
  'disk-refuses': {
    exitCode: 4,
    what: 'The disk mounted at {disk} accepts no more data: {problem}',
    why: 'These reports are missing or incomplete: {files}.',
    fix: 'Free space on that disk, or write to another one with --out DIR.',
  },
  'out-in-use': {
    exitCode: 4,
    what: 'Another run is using {path}: {problem}.',
    why: 'Two runs in one directory would overwrite each other.',
    fix: 'Give each run its own directory with --out DIR, or wait until the other run has ended.',
  },
  'no-temp-directory': {
    exitCode: 4,
    what: 'Could not write a temporary file in {places}: {problem}',
    why: 'pytest and the embedded Redis keep their sockets and session files there.',
    fix: 'Free space there, or set TMPDIR to a writable directory.',
  },
  'bad-plan': {
    exitCode: 4,
    what: 'Could not use the plan {path}: {problem}.',
    why: '',
    fix: 'Write it again with `{command}`, or pass the files and options of that plan.',
  },
  'no-run': {
    exitCode: 4,
    what: 'There is no finished run in {folder}.',
    why: '',
    fix: 'Run `shardline run` here, or name the directory of a run.',
  },
  'no-open-run': {
    exitCode: 4,
    what: 'There is no open run {runId} in this Redis.',
    why: '',
    fix: 'Run `shardline status` to list the open runs, with --pool NAME for another pool.',
  },
  'no-such-agent': {
    exitCode: 4,
    what: 'There is no agent {agent} in the pool {pool}.',
    why: 'The pool has {others}.',
    fix: 'Run `shardline status` to list the agents, with --pool NAME for another pool.',
  },
  'agent-not-draining': {
    exitCode: 11,
    what: 'Agent {agent} {state} {seconds} s after the request.',
    why: 'It cannot reach Redis, has another version of shardline, or trusts no key that has signed the request.',
    fix: 'Read its log, which has the cause. If it has --trust, sign with a key that it trusts for runs: --sign-key FILE. Or send it SIGTERM on its machine.',
  },
  'run-not-cancelled': {
    exitCode: 11,
    what: 'Run {runId} is still open {seconds} s after the request to end it.',
    why: 'Its coordinator does not answer, or its agents still run tests. The run ends when the coordinator reads the request.',
    fix: 'Run `shardline status` to see where its coordinator is.',
  },
  'not-a-result': {
    exitCode: 4,
    what: '{path} is not the result of a run: {problem}',
    why: '',
    fix: 'Name the id of a run (`shardline runs` lists them), its directory, its report.json or its events.ndjson.',
  },
  'holds-runs': {
    exitCode: 4,
    what: '{path} holds no run itself; it has runs in {runs}.',
    why: '',
    fix: 'Run `{command}`.',
  },
  'foreign-arguments': {
    exitCode: 4,
    what: 'Could not replay {run} as it is: its arguments of pytest can run code or write files: {arguments}',
    why: 'It is not a run of this directory, so somebody else may have written them.',
    fix: 'If you trust where it comes from, add --trust-arguments.',
  },
  'foreign-log': {
    exitCode: 4,
    what: 'Could not resume run {runId} from its log in Redis: {problem}',
    why: 'Anyone who can write to Redis can change the log, and then run code or write files on this machine.',
    fix: 'If you trust everyone who can write to this Redis, add --trust-arguments; or sign runs with --sign-key and verify them with --trust.',
  },
  'old-log': {
    exitCode: 11,
    what: 'Could not take over run {runId}: its log in Redis ends at {at}, before this job could have joined that run.',
    why: 'Anyone who can write to Redis can store the signed log of an earlier run with the same --run-id again.',
    fix: 'Give each build an id of its own with --run-id, check the clocks of the machines, and find out who can write to this Redis.',
  },
  'nothing-to-replay': {
    exitCode: 4,
    what: 'Found nothing to replay in run {run}: {problem}',
    why: '',
    fix: '{fix}',
  },
  internal: {
    exitCode: 3,
    what: 'shardline failed unexpectedly: {problem}',
    why: 'This is a bug in shardline.',
    fix: 'Run again with --log-level debug --log-file shardline.log, and report the bug with that file.',
  },
  'metrics-cannot-listen': {
    exitCode: 4,
    what: 'Could not serve metrics on {host} port {port}: {problem}',
    why: '',
    fix: 'Pass another address with --metrics HOST:PORT; port 0 takes a free one. The host must be an address of this machine.',
  },
  'cannot-listen': {
    exitCode: 4,
    what: 'The dashboard cannot listen on {host} port {port}: {problem}',
    why: '',
    fix: 'Pass another port with --port, or --port 0 to use a free one. --host must be an address of this machine.',
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errorTable;
export const errorCodes = Object.keys(errorTable) as ErrorCode[];

type Values = Readonly<Record<string, string | number>>;

/** An expected failure: a row of the table with its values. `message` is the complete text, ending in `Fix: …`. */
export class ShardlineError extends Error {
  readonly code: ErrorCode;
  readonly exitCode: number;
  readonly values: Values;

  constructor(code: ErrorCode, values: Values = {}, options?: { cause?: unknown }) {
    const row: ErrorRow = errorTable[code];
    super(
      [row.what, row.why, `Fix: ${row.fix}`]
        .filter((part) => part !== '')
        .map((part) => fill(part, values))
        .join('\n'),
      options,
    );
    this.name = 'ShardlineError';
    this.code = code;
    this.exitCode = row.exitCode;
    this.values = values;
  }
}

function fill(template: string, values: Values): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/**
 * Why a system call failed, in words: `no such file or directory`. Omits the code, the call and the path, because the row of the table
 * names them. Returns the message of any other error.
 */
export function reasonOf(thrown: unknown): string {
  const text = messageOf(thrown);
  if (CLOSED_FOR_GOOD.test(text)) return 'could not reconnect';
  const code = /\b(E[A-Z]{3,})\b/.exec(text)?.[1] ?? '';
  return SYSTEM_REASONS[code] ?? text;
}

/** ioredis's errors for a connection that stays closed. A client of a cluster has more than one. */
export const CLOSED_FOR_GOOD =
  /^(Connection is closed\.$|Cluster is ended\.$|None of startup nodes is available$|Too many Cluster redirections\.)/;

const SYSTEM_REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  ENOTDIR: 'a part of the path is not a directory',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EEXIST: 'it exists already',
  ENOEXEC: 'it is not a program for this machine',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the server closed the connection',
  ENOTFOUND: 'unknown host',
  EHOSTUNREACH: 'no route to the host',
  ETIMEDOUT: 'no answer',
  EADDRINUSE: 'the port is in use',
  EADDRNOTAVAIL: 'the address is not one of this machine',
};

/** The message of any thrown value, for the `problem` of a row. */
export const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));
