// The last gate of text for people: a terminal and the log of a CI job execute nothing in it.

/** Colours, which shardline writes itself. */
const COLOR = '\u001b\\[[\\d;]*m';
/** All other control characters but tab and newline, and characters that reorder a line. */
const CONTROL = '[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069]';
const colorOrControl = new RegExp(`(${COLOR})|${CONTROL}`, 'g');
/** `##[…]` of GitHub and Azure, which their runners read anywhere in a line; `##vso[…]` of Azure, `##teamcity[…]` of TeamCity. */
const bracketed = /##(vso|teamcity)?\[/g;
/** `::name …::` of GitHub, whose runner skips white space before it. Colours may precede it. */
const colons = new RegExp(`^((?:\\s|${COLOR})*)::`, 'gm');

/** Keeps colours, tabs and lines; shows other control characters as `\x1B`, and breaks commands of CI providers by a backslash. */
export const inert = (text: string): string =>
  text
    .replace(colorOrControl, (found, color: string | undefined) => color ?? `\\x${codeOf(found)}`)
    .replace(bracketed, (found) => `${found.slice(0, -1)}\\[`)
    .replace(colons, (_, before: string) => `${before}\\::`);

const codeOf = (character: string): string => (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(2, '0');
