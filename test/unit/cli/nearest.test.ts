import { expect, it } from 'vitest';
import { didYouMean } from '../../../cli/nearest.ts';

const known = ['SHARDLINE_RERUNS', 'SHARDLINE_REDIS_URL', 'SHARDLINE_QUIET'];

it('suggests the nearest known word for a typo', () => {
  expect(didYouMean('SHARDLINE_QUEIT', known)).toBe('Did you mean SHARDLINE_QUIET? ');
});

it('prefers a word that begins with the given one to a word that is only spelled alike', () => {
  expect(didYouMean('SHARDLINE_REDIS', known)).toBe('Did you mean SHARDLINE_REDIS_URL? ');
});

it('finds a typo in the beginning of a longer word before another word that is spelled alike', () => {
  expect(didYouMean('SHARDLINE_REDS', ['SHARDLINE_RELAY', ...known])).toBe('Did you mean SHARDLINE_REDIS_URL? ');
  expect(didYouMean('SHARDLINE_RELY', [...known, 'SHARDLINE_RELAY'])).toBe('Did you mean SHARDLINE_RELAY? ');
});

it('suggests nothing for a word that resembles no known one', () => {
  expect(didYouMean('colour', known)).toBe('');
  expect(didYouMean('foo', ['agent', 'coordinator', 'both'])).toBe('');
  expect(didYouMean('bot', ['agent', 'coordinator', 'both'])).toBe('Did you mean both? ');
});
