// Suites that shardline does not run as plain pytest does yet. A suite that is equal again fails its test until its entry is removed here.

export interface Known {
  /** A folder of faults/, or `seed-N`. */
  readonly suite: string;
  /** What goes wrong. */
  readonly reason: string;
  /** It goes wrong in some runs only, by which worker is faster: it may pass. */
  readonly sometimes?: true;
}

export const known: readonly Known[] = [
  { suite: 'A1-same-ids', reason: 'the second result of a node id is dropped' },
  { suite: 'A2-missing-target', reason: 'a folder with ::name runs the folder, and a missing test is a collection error' },
  { suite: 'B1-patched-library', reason: 'the plugin calls the patched functions' },
  { suite: 'B1-patched-more', reason: 'the plugin and pytest-xdist call the patched functions' },
  { suite: 'B2-surrogate-warning', reason: 'a warning with a lone surrogate ends the worker' },
  { suite: 'B3-worker-ids', reason: 'two agents each have a gw0' },
  { suite: 'B4-changed-directory', reason: 'files are collected where a session fixture went' },
  { suite: 'B6-tmpdir-missing', reason: 'exits with 3' },
  { suite: 'B6-tmpdir-relative', reason: 'exits with 3' },
  { suite: 'B7-root-package', reason: 'the root is not on sys.path' },
  { suite: 'B8-last-failed', reason: 'no lastfailed is written, so --lf runs all tests' },
  { suite: 'B9-next-item', reason: 'the next item of a file is no item' },
  { suite: 'C1-junit-names', reason: 'skipped modules and collection errors are named by their paths' },
  { suite: 'E1-mypy', reason: 'one file at a time' },
  { suite: 'E2-appended-check', reason: 'one file at a time' },
  { suite: 'E3-directory-items', reason: 'items of a folder are not collected' },
  { suite: 'E4-doubled-list', reason: 'the second result of a node id is dropped' },
  { suite: 'E4-keep-duplicates', reason: 'the second result of a node id is dropped' },
  { suite: 'E5-session-items', reason: 'one file at a time' },
  { suite: 'E6-focus', reason: 'one file at a time' },
  { suite: 'E7-nested-hook', reason: 'one file at a time', sometimes: true },
  { suite: 'E8-same-basename', reason: 'which of the two files fails depends on the worker that takes it', sometimes: true },
  { suite: 'E9-dependency', reason: 'the later test runs first once it is known to be slow' },
  { suite: 'E10-last-failed', reason: '--lf needs what the last run did not write' },
  { suite: 'E10-stepwise', reason: '--sw does not stop' },
  { suite: 'E11-testmon', reason: 'its data is never saved' },
  { suite: 'E12-registry', reason: 'a later file sees what earlier files of its worker registered' },
  { suite: 'E13-break', reason: 'one file at a time' },
  { suite: 'E14-closure', reason: 'one file at a time' },
  { suite: 'E15-session-marker', reason: 'one file at a time' },
  { suite: 'E16-sorted', reason: 'one file at a time' },
  { suite: 'F1-basetemp', reason: 'the second agent empties the directory of the first', sometimes: true },
  { suite: 'F2-allure', reason: 'the results are emptied while tests run', sometimes: true },
  { suite: 'G1-session-start', reason: 'a worker runs tests while another starts' },
  { suite: 'H3-gherkin', reason: 'the order of plugins is another' },
  { suite: 'H4-forked', reason: 'a failure of an unknown phase is reported as an error' },
  { suite: 'H7-exit-status', reason: 'the status is reported as a collection error' },
  { suite: 'seed-2', reason: 'same ids, and session.items of one file' },
  { suite: 'seed-6', reason: 'same ids' },
];
