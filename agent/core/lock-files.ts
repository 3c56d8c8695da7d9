// Decides which files of a commit determine its environment.

/** Paths and blob ids, in the format of `git ls-tree -r -z`. */
export function lockFilesIn(tree: string, patterns: readonly string[]): readonly string[] {
  const matchers = patterns.map(matcherOf);
  return tree.split('\0').filter((entry) => {
    const path = entry.slice(entry.indexOf('\t') + 1);
    return entry !== '' && matchers.some((matcher) => matcher.test(path));
  });
}

/** `*` stands for any characters except `/`. */
const matcherOf = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .split('*')
      .map((text) => text.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
      .join('[^/]*')}$`,
  );
