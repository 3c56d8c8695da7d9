// Every attack that was tried on shardline, what it did before, what happens now, and the tests that show it. docs/attacks.md has the same
// table for people.

export interface Attack {
  readonly attack: string;
  /** What it did when it was first tried. */
  readonly before: string;
  readonly now: string;
  /** Test files, each with the title of a test in it. */
  readonly shownBy: readonly (readonly [file: string, title: string])[];
}

const messages = 'test/attacks/messages.test.ts';
const signed = 'test/attacks/signed-runs.test.ts';
const unsigned = 'test/attacks/unsigned-runs.test.ts';
const errors = 'test/attacks/error-texts.test.ts';
/** In a whole run, over Redis. */
const rejected = [unsigned, 'messages of senders that may not report are rejected and counted, and change nothing'] as const;
const contradicted = [unsigned, 'a result in the name of its agent that contradicts the true one is a conflict, and never green'] as const;
const deleted = 'test/attacks/deleted-messages.test.ts';
const limits = 'test/attacks/limits.test.ts';
const texts = 'test/attacks/texts.test.ts';
const dashboard = 'test/attacks/dashboard.test.ts';
const authority = 'test/unit/core/authority.test.ts';
const foreignArguments = [
  'test/attacks/arguments.test.ts',
  'an agent runs nothing with arguments that run code, write files or delete them',
] as const;
const fuzzed = ['test/fuzz/fuzz.test.ts', 'no codec fails on hostile bytes, and no hostile events make a run green'] as const;

/** In the order in which they were tried. */
export const attacks: readonly Attack[] = [
  {
    attack: 'Report results from an agent that never joined the run, or holds no shard',
    before: 'a run with a failing test passed',
    now: 'rejected and counted; a contradicting result is a conflict, never green',
    shownBy: [
      [authority, 'drops the results of an agent that never joined'],
      [authority, 'drops the results of an agent about an attempt that another one holds'],
      [authority, 'a result that contradicts the first one of its test fails the run'],
      rejected,
      contradicted,
      fuzzed,
    ],
  },
  {
    attack: "Replay the messages of yesterday's green run",
    before: 'a red run passed',
    now: 'rejected: each message names its run',
    shownBy: [[messages, 'batches of an earlier green run, and events in the name of another agent, change nothing']],
  },
  {
    attack: 'Announce a run with `-p` or `--rootdir` for pytest',
    before: 'code ran on every agent',
    now: 'an agent on a network Redis refuses the run, names the arguments, and serves the next run',
    shownBy: [foreignArguments],
  },
  {
    attack: 'Write a conftest.py with `--log-file`, then run it',
    before: 'code ran on the agent',
    now: 'refused in the same way',
    shownBy: [foreignArguments],
  },
  {
    attack: 'Delete a directory with `--basetemp`',
    before: 'its content was deleted',
    now: 'refused in the same way',
    shownBy: [foreignArguments],
  },
  {
    attack: 'Queue a forged job for a file to which a link in the workspace leads',
    before: 'the file ran',
    now: 'an agent on a network Redis does not run it; with `--trust`, no agent takes a forged job',
    shownBy: [
      ['test/attacks/links.test.ts', 'an agent does not run a file to which only a link in its workspace leads'],
      [signed, 'a forged command and a changed job in a signed run have no effect'],
    ],
  },
  {
    attack: 'Put an unreadable or newer run into the pool',
    before: 'every waiting agent ended',
    now: 'agents skip it, print why once, and serve the other runs',
    shownBy: [[messages, 'an agent declines runs of the pool that it cannot read, and serves the others']],
  },
  {
    attack: 'Announce a run under the id of another one',
    before: 'agents joined and left without end',
    now: 'agents skip it',
    shownBy: [[messages, 'an agent declines runs of the pool that it cannot read, and serves the others']],
  },
  {
    attack: 'Send a malformed or newer batch, or one with the number 1e999',
    before: 'the run ended, and the results of good agents were lost',
    now: 'rejected and counted; its sender leaves the run, and its tests run elsewhere',
    shownBy: [[messages, 'a message that cannot be read is rejected and counted, and costs a known sender the run'], fuzzed],
  },
  {
    attack: 'Join with 9,007,199,254,740,991 workers',
    before: 'the coordinator hung and ignored SIGTERM',
    now: 'rejected: an agent has at most 4,096 workers',
    shownBy: [[limits, 'an agent has at most 4,096 workers'], rejected],
  },
  {
    attack: 'Report a negative duration',
    before: 'it was stored, and every later run of the pool failed',
    now: 'neither written nor read; a warning counts it',
    shownBy: [
      ['test/unit/timings-codec.test.ts', 'stores valid durations, and drops and counts impossible ones'],
      ['test/unit/timings-codec.test.ts', 'drops and counts impossible durations that were stored anyway'],
    ],
  },
  {
    attack: 'Report a test that started in the year 10^289',
    before: 'shardline could not read its own report',
    now: 'the result counts, and its time becomes a possible one',
    shownBy: [[limits, 'a result with impossible times is counted, and the report can be read'], fuzzed],
  },
  {
    attack: 'Use control characters or a path as the id of an agent',
    before: 'shardline could not read its own report and log',
    now: 'no id; what it sends is rejected and counts under no sender',
    shownBy: [[limits, 'an id with control characters, slashes or line breaks counts under no sender'], rejected],
  },
  {
    attack: 'Report 560 results of 1 MB',
    before: 'no report, no junit.xml, no verdict',
    now: 'all of them; long texts are cut and counted (`textsCut`)',
    shownBy: [
      [texts, '560 failures of 1 MB give a report, a JUnit file, a page and a verdict'],
      [texts, 'sections, warnings and errors of sessions have the same budget'],
    ],
  },
  {
    attack: 'Join as 40,000 agents',
    before: '50 s of work, quadratic',
    now: 'a run has 10,000 agents; the rest is rejected and counted',
    shownBy: [[authority, 'a run has at most 10,000 agents']],
  },
  {
    attack: 'Send coverage that inflates to gigabytes',
    before: 'the disk of the coordinator filled, and the data stayed',
    now: 'taken only if the run asked for coverage, within limits, and removed; the report says what is missing',
    shownBy: [[limits, 'coverage data that inflate beyond the limit are not written']],
  },
  {
    attack: "Send coverage of a file such as the coordinator's secrets",
    before: 'the file was published in the HTML report',
    now: 'left out with a warning',
    shownBy: [['test/attacks/coverage.test.ts', 'no report of coverage has the content of a file outside of the project']],
  },
  {
    attack: "Raise the counter of an agent's messages",
    before: 'the agent was muted, and the run hung without a word',
    now: 'the agent says so and leaves; its tests run elsewhere',
    shownBy: [[messages, 'an agent whose messages are blocked by a raised counter ends, and the run goes on with the other']],
  },
  {
    attack: 'Request `//` from the dashboard, from any web page',
    before: 'the dashboard ended',
    now: 'refused; Host and token are checked all the same',
    shownBy: [[dashboard, 'answers requests for impossible addresses, checks Host and token all the same, and goes on']],
  },
  {
    attack: 'Open 60 streams of the dashboard and never read',
    before: '1.75 GB of memory',
    now: '8 streams from one address and 32 in all, with 256 MB for those that are behind',
    shownBy: [
      [dashboard, 'sends updates to a few browsers of one address, and refuses more'],
      [dashboard, 'disconnects the browser that is furthest behind when all of them together hold too much memory'],
    ],
  },
  {
    attack: 'Control the terminal, or a CI job, through an error message',
    before: 'the escape sequences and `::set-output` were printed as they were',
    now: 'all text for people is inert',
    shownBy: [
      [errors, 'an error of pytest about its arguments'],
      [errors, 'an error of a conftest'],
      [errors, 'an error that somebody reports in Redis in the name of an agent'],
      ['test/unit/inert.test.ts', '%j'],
      ['test/unit/cli/settings.test.ts', 'no error shows a secret, whichever source it comes from'],
    ],
  },
  {
    attack: 'Give commands to a CI provider in the name of a test (`##vso[`)',
    before: 'they were printed as they were',
    now: 'broken with a backslash',
    shownBy: [
      ['test/unit/inert.test.ts', '%j'],
      [
        'test/unit/report/github.test.ts',
        'a failure is exactly one command for all test names and output, and printed commands do not run',
      ],
    ],
  },
  {
    attack: 'Let somebody replay a foreign run',
    before: 'its arguments ran code',
    now: 'refused, unless the arguments are harmless, or trusted with `--trust-arguments`',
    shownBy: [
      ['test/e2e/replay.test.ts', 'passes arguments that can run code only if they come from a run of this directory, or are trusted'],
    ],
  },
  {
    attack: 'Read a secret in a message or in `DEBUG=*`',
    before: 'URLs, tokens and AUTH were printed',
    now: 'never printed',
    shownBy: [
      ['test/unit/cli/settings.test.ts', 'no error shows a secret, whichever source it comes from'],
      ['test/unit/redis-url.test.ts', 'never shows a password, wherever it is in the URL'],
      ['test/e2e/run.test.ts', 'two agents started by hand serve several runs over TCP with a password, and exit on SIGTERM'],
    ],
  },
  {
    attack: 'Plant links under the names of temporary files',
    before: "another user's file was overwritten",
    now: 'random names, created exclusively',
    shownBy: [[limits, 'a file is written through a temporary file whose name nobody can guess, and through no link of the old name']],
  },
  {
    attack: 'Run an install script of a package',
    before: 'it ran',
    now: 'install scripts do not run',
    shownBy: [
      ['test/e2e/package.test.ts', 'npm runs no install script under the .npmrc of the repository'],
      [limits, 'no script of a package runs when the packages of this repository are installed'],
    ],
  },
  // From here on: attacks of our own.
  {
    attack: 'Send a batch of 6 MB with two million wrong items',
    before: 'the coordinator ended, or took 3 GB',
    now: 'rejected at its first wrong item',
    shownBy: [['test/fuzz/fuzz.test.ts', 'a message that once broke something: %s'], rejected],
  },
  {
    attack: 'Change U+FFFD in a signed message to half of a surrogate pair',
    before: 'the signature was still valid',
    now: 'not a message',
    shownBy: [['test/fuzz/fuzz.test.ts', 'a message that once broke something: %s']],
  },
  {
    attack: 'Report results in the name of an agent that serves the run',
    before: 'they counted',
    now: 'with `--trust`, rejected and counted unless a trusted key has signed them; without, a contradiction is a conflict',
    shownBy: [[signed, 'counts only what its agents have signed'], contradicted],
  },
  {
    attack: 'Forge the end of a run, or a cancelled attempt, on the stream of commands',
    before: 'agents obeyed',
    now: 'with `--trust`, agents ignore it; without, the run ends, never green',
    shownBy: [
      [signed, 'a forged command and a changed job in a signed run have no effect'],
      [unsigned, 'a forged end of the run makes agents leave, and the run is not green'],
    ],
  },
  {
    attack: 'Set the counter of process numbers to a text or to 1e300',
    before: 'the agent ended with an internal error',
    now: 'the agent counts on, or leaves the run with an error that says why',
    shownBy: [['test/attacks/numbers.test.ts', 'a forged counter of numbers costs at most the agent the run']],
  },
  {
    attack: 'Change the run log in Redis, so that the command that resumes the run writes files elsewhere',
    before: 'a JUnit file, a cache or a report of coverage was written to any path',
    now: 'refused on a network Redis, unless a trusted key has signed the log, or with `--trust-arguments`; so are arguments that run code',
    shownBy: [
      [
        'test/attacks/foreign-log.test.ts',
        '--resume refuses a forged log in Redis that names files elsewhere or foreign arguments, and takes an honest one',
      ],
    ],
  },
  {
    attack: 'Delete a signed message that reports a failure',
    before: 'the test ran again, and the run could pass',
    now: 'the run is incomplete, and names the agent and how many of its messages are missing',
    shownBy: [
      [deleted, 'a run of which a signed message was deleted is not green, and names the agent'],
      [
        'test/property/batch-numbers.test.ts',
        'counts exactly the deleted batches that a later one of their agent follows, and is green exactly without one',
      ],
    ],
  },
  {
    attack: 'Store a signed message of the same run again',
    before: 'it was read again, without effect',
    now: 'rejected and counted',
    shownBy: [[deleted, 'signed messages that are stored again are rejected and counted']],
  },
  {
    attack: 'Store the signed log of an earlier run with the same `--run-id` again',
    before: 'a job took it for its own run, and passed tests that it did not run',
    now: 'refused, if that run ended some minutes before the job joined',
    shownBy: [
      [
        'test/attacks/signed-records.test.ts',
        'a job refuses the signed log of an earlier run with the same --run-id, and takes over the present one',
      ],
    ],
  },
  {
    attack: 'Report results for another agent, signed with another trusted key, while the coordinator of the run changes',
    before: 'they counted, the true ones of that agent were rejected, and a red run could pass',
    now: 'rejected and counted: the next coordinator reads from the log which key each agent has',
    shownBy: [
      [
        'test/attacks/taken-over-runs.test.ts',
        'an agent that speaks for another one after its run was taken over %s is rejected, and the run is red',
      ],
      [
        'test/attacks/taken-over-runs.test.ts',
        'a CI job whose key speaks for the agent of the job that takes its run over is rejected, and no test passes',
      ],
    ],
  },
];

/** The table as docs/attacks.md has it. */
export const rows = (): readonly string[] =>
  attacks.map(({ attack, before, now }, index) => `| ${index + 1} | ${attack} | ${before} | ${now} |`);
