// Words as a user can paste them into a shell.

/** One word, in quotes where a shell would take it for something else. */
export const shellWord = (word: string): string => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** A command line of these words. */
export const shellCommand = (words: readonly string[]): string => words.map(shellWord).join(' ');
