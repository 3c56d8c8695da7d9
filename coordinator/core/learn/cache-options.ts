// Detects options with which pytest reads its cache.

/** The options, also as the start of a longer one (`--sw-skip`), in an ini file, a list or a command line. */
const CACHE_OPTION = /(^|[\s"'=,[])--(lf|last-failed|ff|failed-first|nf|new-first|sw|stepwise)(?!\w)/;

/** May return true where pytest finds no option, because it also matches in comments; never the reverse. */
export const namesCacheOption = (text: string): boolean => CACHE_OPTION.test(text);
