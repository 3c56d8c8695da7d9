// Formats words so that a user can paste them into a shell.

/** One word, quoted if a shell would interpret it. */
export const shellWord = (word: string): string => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** A command line from these words. */
export const shellCommand = (words: readonly string[]): string => words.map(shellWord).join(' ');
