// Suggests the word that the user may have meant.

import leven from 'leven';

/**
 * Returns `Did you mean X? ` for the known word that starts with `word`, or else for the nearest one if it is close enough for a typo.
 * `word` may also be near the beginning of a known word: `--redus` is near `--redis-url`. Otherwise returns an empty string.
 */
export function didYouMean(word: string, known: readonly string[]): string {
  const meant = begun(word, known) ?? slipped(word, known);
  return meant === undefined ? '' : `Did you mean ${meant}? `;
}

function begun(word: string, known: readonly string[]): string | undefined {
  return word.length < 3 ? undefined : known.find((candidate) => candidate.startsWith(word));
}

function slipped(word: string, known: readonly string[]): string | undefined {
  const [nearest] = known
    .map((candidate) => ({ candidate, distance: distanceTo(word, candidate) }))
    .sort((left, right) => left.distance - right.distance);
  return nearest !== undefined && nearest.distance <= Math.max(2, Math.floor(word.length / 3)) ? nearest.candidate : undefined;
}

/** The edits from `word` to `candidate`, or to its beginning, which is a little further away. */
function distanceTo(word: string, candidate: string): number {
  // Every short word is near the beginning of some other.
  if (word.length < 4) return leven(word, candidate);
  const beginnings = [word.length - 1, word.length, word.length + 1].map((length) => leven(word, candidate.slice(0, length)) + 0.5);
  return Math.min(leven(word, candidate), ...beginnings);
}
