// Where agents can fetch the files of a run: a commit of a git repository.

export interface RunSource {
  /** A URL or an `scp`-like address (`git@host:path`), without user name and password in it. */
  readonly repository: string;
  /** The full id of the commit, in lower case. */
  readonly commit: string;
  /** The path of the workspace in the repository: empty for its root, otherwise ending in `/`. */
  readonly directory: string;
}

/** SHA-1 or SHA-256. */
export const isCommitId = (text: string): boolean => /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(text);

/** Whether git reads the text as the address of a repository, and not as an option or as a command that it runs. */
export const isRepositoryAddress = (text: string): boolean =>
  /^[^\s\p{Cc}]{1,1000}$/u.test(text) && !text.startsWith('-') && !/^\w[\w+.-]*::/.test(text);

/** A relative path below the root of the repository. */
export const isInnerDirectory = (path: string): boolean =>
  path === '' || (/^[^/\0][^\0]{0,4000}\/$/.test(path) && !path.split('/').some((name) => name === '..' || name === '.git'));

/**
 * The address without user name and password, which are secrets of the machine that wrote them. An address over SSH keeps its user name,
 * which is part of it.
 */
export function withoutCredentials(repository: string): string {
  const [, scheme = '', secret = '', rest = ''] = /^([a-z][a-z0-9+.-]*:\/\/)([^/]*)@(.*)$/is.exec(repository) ?? [];
  if (scheme === '') return repository;
  const user = secret.split(':', 1)[0] ?? '';
  return /ssh/i.test(scheme) && user !== '' ? `${scheme}${user}@${rest}` : `${scheme}${rest}`;
}

/** Whether the text is a pattern that can allow something. `*` elsewhere would allow more than it seems to. */
export const isRepositoryPattern = (text: string): boolean => {
  const address = text.replace(/\/\*$/, '');
  return isRepositoryAddress(address) && !address.includes('*') && /^(\w[\w+.-]*:\/\/\/?[^/]|[^/:]+:(?!\/)|\/)./.test(address);
};
