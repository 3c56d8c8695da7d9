// What the user may have meant.

import leven from 'leven';

/** `Did you mean X? ` for the nearest known word when it is near enough to be a slip, else an empty text. */
export function didYouMean(word: string, known: readonly string[]): string {
  const [nearest] = known
    .map((candidate) => ({ candidate, distance: leven(word, candidate) }))
    .sort((left, right) => left.distance - right.distance);
  return nearest !== undefined && nearest.distance <= Math.max(2, Math.floor(word.length / 3)) ? `Did you mean ${nearest.candidate}? ` : '';
}
