// The README as the description of a package: without the links and images that only work in the repository.

const RELATIVE = '(?!https?:|#)[^)]+';

/** The text of a link stays. The list of further pages is left out. */
export function packageReadme(text: string): string {
  return text
    .replace(/^## Read on\n[\s\S]*?(?=^(?!\||#|\n))/m, '')
    .replaceAll(new RegExp(String.raw`^!\[[^\]]*\]\(${RELATIVE}\)\n+`, 'gm'), '')
    .replaceAll(new RegExp(String.raw`\[([^\]]+)\]\(${RELATIVE}\)`, 'g'), '$1 in the repository');
}
