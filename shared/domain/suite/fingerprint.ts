// The fingerprint of a workspace, and how two of them differ. It contains digests and versions, never the content of a file.

/** The treatment of an agent whose workspace differs from the run's: refuse it, warn about it, or compare nothing. */
export const fingerprintPolicies = ['strict', 'warn', 'off'] as const;
export type FingerprintPolicy = (typeof fingerprintPolicies)[number];

/** The files of a workspace. Digests are short hexadecimal strings that are equal on every machine with the same files. */
export interface FilesPrint {
  /** Two workspaces with the same place are one directory on one machine, so their files need no comparison. */
  readonly place: string;
  readonly git: GitPrint | null;
  /** Digest of every `.py` and configuration file; null when it was not needed or could not be computed. */
  readonly contents: string | null;
}

export interface GitPrint {
  readonly commit: string;
  /** The path of the workspace in its repository: empty for the root, otherwise ending in `/`. */
  readonly directory: string;
  /** Files that differ from the commit, and untracked Python and configuration files: their number, and a digest of paths and contents. */
  readonly changedFiles: number;
  readonly changes: string;
}

/** The interpreter of a workspace and its installed distributions. Names are normalized as PyPI does. */
export interface PythonPrint {
  /** For example `cpython 3.12`. */
  readonly python: string;
  /** For example `linux-x86_64`. */
  readonly platform: string;
  /** Versions by name: pytest, pytest-xdist, and the installed plugins that this pytest loads. */
  readonly plugins: Readonly<Record<string, string>>;
  /** Versions by name of all other installed distributions, and a digest of them. */
  readonly packages: Readonly<Record<string, string>>;
  readonly packagesDigest: string;
}

/** A part is null when it is unknown. */
export interface Fingerprint {
  readonly files: FilesPrint | null;
  readonly python: PythonPrint | null;
}

/**
 * How an agent's fingerprint differs from the run's, as messages with both values: the differences that refuse the agent, and those that
 * only cause a warning.
 */
export interface Differences {
  readonly refused: readonly string[];
  readonly warned: readonly string[];
}

export const NO_DIFFERENCES: Differences = { refused: [], warned: [] };

/** The number of distributions that one warning names. */
const NAMED = 5;

/** A value that only one side knows is neither equal nor different, so it only causes a warning. `owner` has `run`, in the messages. */
export function compareFingerprints(run: Fingerprint, agent: Fingerprint, owner = 'the run'): Differences {
  const files = run.files === null ? NO_DIFFERENCES : compareFiles(run.files, agent.files, owner);
  const python = run.python === null ? NO_DIFFERENCES : comparePython(run.python, agent.python, owner);
  return { refused: [...files.refused, ...python.refused], warned: [...files.warned, ...python.warned] };
}

export function compareFiles(run: FilesPrint, agent: FilesPrint | null, owner = 'the run'): Differences {
  if (agent === null) return { refused: [], warned: ['its files are unknown: it reported no fingerprint of them'] };
  if (run.place === agent.place) return NO_DIFFERENCES;
  if (run.git !== null && agent.git !== null) return { refused: compareGit(run.git, agent.git, owner), warned: [] };
  if (run.contents === null || agent.contents === null)
    return { refused: [], warned: ['its files could not be compared: one workspace is not in git, and they are too large to hash'] };
  const isSame = run.contents === agent.contents;
  return {
    refused: isSame ? [] : [`other Python or configuration files (digest ${agent.contents}; ${owner} has ${run.contents})`],
    warned: [],
  };
}

function compareGit(run: GitPrint, agent: GitPrint, owner: string): readonly string[] {
  return [
    ...differing('commit', run.commit.slice(0, 12), agent.commit.slice(0, 12), owner),
    ...differing('directory of the repository', run.directory || '.', agent.directory || '.', owner),
    ...differingChanges(run, agent, owner),
  ];
}

function differingChanges(run: GitPrint, agent: GitPrint, owner: string): readonly string[] {
  if (run.changedFiles === agent.changedFiles && run.changes === agent.changes) return [];
  const filesIn = ({ changedFiles }: GitPrint): string => `${changedFiles} ${changedFiles === 1 ? 'file' : 'files'}`;
  if (agent.changedFiles === 0) return [`no uncommitted changes (${owner} has changes in ${filesIn(run)})`];
  if (run.changedFiles === 0) return [`uncommitted changes in ${filesIn(agent)} (${owner} has none)`];
  const same = `${filesIn(agent)}, digest ${agent.changes}; ${owner} has ${filesIn(run)}, digest ${run.changes}`;
  return [`other uncommitted changes (${same})`];
}

function comparePython(run: PythonPrint, agent: PythonPrint | null, owner: string): Differences {
  if (agent === null) return { refused: [], warned: ['its Python is unknown: it reported no fingerprint of it'] };
  const plugins = differingVersions(run.plugins, agent.plugins, owner);
  const packages = run.packagesDigest === agent.packagesDigest ? [] : differingVersions(run.packages, agent.packages, owner);
  const more = packages.length > NAMED ? ` and ${packages.length - NAMED} more` : '';
  return {
    refused: [
      ...differing('Python', run.python, agent.python, owner),
      ...differing('platform', run.platform, agent.platform, owner),
      ...plugins,
    ],
    warned: packages.length === 0 ? [] : [`${packages.slice(0, NAMED).join('; ')}${more}`],
  };
}

const differing = (what: string, run: string, agent: string, owner: string): readonly string[] =>
  run === agent ? [] : [`another ${what} (${agent}; ${owner} has ${run})`];

function differingVersions(
  run: Readonly<Record<string, string>>,
  agent: Readonly<Record<string, string>>,
  owner: string,
): readonly string[] {
  const names = [...new Set([...Object.keys(run), ...Object.keys(agent)])].sort();
  return names.flatMap((name) => {
    const [ours, theirs] = [versionIn(run, name), versionIn(agent, name)];
    if (ours === theirs) return [];
    return [theirs === null ? `no ${name} (${owner} has ${ours})` : `${name} ${theirs} (${owner} has ${ours ?? 'none'})`];
  });
}

const versionIn = (versions: Readonly<Record<string, string>>, name: string): string | null =>
  Object.hasOwn(versions, name) ? versions[name] || 'of an unknown version' : null;
