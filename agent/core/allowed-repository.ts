// Decides from which repositories an agent fetches. The addresses come from Redis, so only what the agent's own configuration allows counts.

import { isRepositoryAddress } from '../../shared/domain/run-source.ts';

/**
 * Whether one of the patterns allows the repository. A pattern is an address, or the beginning of one that ends in `/*`. A trailing `.git` or
 * `/` makes no difference.
 */
export function isAllowedRepository(repository: string, patterns: readonly string[]): boolean {
  if (!isRepositoryAddress(repository)) return false;
  return patterns.some((pattern) => {
    if (!pattern.endsWith('/*')) return sameForm(pattern) === sameForm(repository);
    const beginning = pattern.slice(0, -1);
    return repository.startsWith(beginning) && isPlainPath(repository.slice(beginning.length));
  });
}

/** The one protocol that git may use for an address. */
export function protocolOf(repository: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(repository)?.[1];
  if (scheme !== undefined) return scheme.toLowerCase().replace(/^(git\+ssh|ssh\+git)$/, 'ssh');
  // As git decides: a colon before the first slash makes it an address over SSH.
  return /^[^/]+:/.test(repository) ? 'ssh' : 'file';
}

const sameForm = (address: string): string => address.replace(/\/+$/, '').replace(/\.git$/, '');

/** Without parts that a server may resolve to a repository elsewhere. */
const isPlainPath = (path: string): boolean =>
  path !== '' &&
  !/[%\\?#@:]/.test(path) &&
  path.split('/').every((name, index, names) => (name === '' ? index === names.length - 1 && index > 0 : name !== '.' && name !== '..'));
