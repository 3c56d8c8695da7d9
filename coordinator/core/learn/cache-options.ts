// Whether a text names an option with which pytest reads its cache.

/** The options, also as part of a longer one (`--sw-skip`); in an ini file, a list or a command line. */
const CACHE_OPTION = /(^|[\s"'=,[])--(lf|last-failed|ff|failed-first|nf|new-first|sw|stepwise)(?!\w)/;

/** May say yes where pytest says no, as it reads comments too; never the reverse. */
export const namesCacheOption = (text: string): boolean => CACHE_OPTION.test(text);
