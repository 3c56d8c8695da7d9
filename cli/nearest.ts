// Suggests the word that the user may have meant.

import leven from 'leven';

/**
 * Returns `Did you mean X? ` for the known word that starts with `word`, or else for the nearest one if it is close enough for a typo.
 * Otherwise returns an empty string.
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
    .map((candidate) => ({ candidate, distance: leven(word, candidate) }))
    .sort((left, right) => left.distance - right.distance);
  return nearest !== undefined && nearest.distance <= Math.max(2, Math.floor(word.length / 3)) ? nearest.candidate : undefined;
}
