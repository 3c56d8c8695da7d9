import { expect, it } from 'vitest';
import { didYouMean } from '../../../cli/nearest.ts';

const known = ['SHARDLINE_RERUNS', 'SHARDLINE_REDIS_URL', 'SHARDLINE_QUIET'];

it('suggests the nearest known word for a typo', () => {
  expect(didYouMean('SHARDLINE_QUEIT', known)).toBe('Did you mean SHARDLINE_QUIET? ');
});

it('prefers a word that begins with the given one to a word that is only spelled alike', () => {
  expect(didYouMean('SHARDLINE_REDIS', known)).toBe('Did you mean SHARDLINE_REDIS_URL? ');
});

it('suggests nothing for a word that resembles no known one', () => {
  expect(didYouMean('colour', known)).toBe('');
});
