// Which coordinator may command an agent: the one of the present epoch, with the key that began it.

import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { ShardlineError } from '../../../shared/errors.ts';
import { NO_VERIFIER, type Signable, type Signed, signerOf, verifierOf } from '../../../shared/wire/signature.ts';
import { oneKeyPerEpoch } from '../../../shared/wire/trust/epoch-keys.ts';

const [first, second] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];
const signers = { first: signerOf(first.privateKey), second: signerOf(second.privateKey) };
const keys = [first, second].map(({ publicKey }) => ({ key: publicKey, uses: ['coordinator'] as const }));

function sent(by: keyof typeof signers, epoch: number, type = 'command'): Signed {
  const { keyId, certificate, sign } = signers[by];
  const message: Signable = { type, pool: 'p', run: 'r', sender: 'coordinator', seq: 1, epoch, keyId, body: '{}' };
  return { ...message, certificate, signature: sign(message) };
}

test('the first message of an epoch sets its key, and commands of earlier epochs are refused', () => {
  const verifier = oneKeyPerEpoch(verifierOf({ keys, mode: 'require', onDoubt: () => undefined, now: () => 0 }));
  const codeOf = (message: Signed): string | null => {
    try {
      verifier.verify(message, 'x');
      return null;
    } catch (thrown) {
      return thrown instanceof ShardlineError ? thrown.code : String(thrown);
    }
  };
  const steps: readonly (readonly [Signed, string | null])[] = [
    [sent('first', 0, 'spec'), null],
    [sent('first', 5), null],
    [sent('second', 5), 'other-key'],
    [sent('second', 5, 'attempt'), 'other-key'],
    [sent('second', 7, 'attempt'), null],
    [sent('first', 5), 'past-epoch'],
    // It is still in the queue, and the new coordinator waits for it.
    [sent('first', 5, 'attempt'), null],
    [sent('first', 7), 'other-key'],
    [{ ...sent('second', 7), epoch: 9 }, 'bad-signature'],
    [sent('second', 7), null],
  ];
  expect(steps.map(([message]) => codeOf(message))).toEqual(steps.map(([, code]) => code));
});

test('without keys, no key is kept', () => {
  const verifier = oneKeyPerEpoch(NO_VERIFIER);
  for (const epoch of [5, 4]) expect(verifier.verify({ ...sent('first', epoch), keyId: '', signature: '' }, 'x')).toBeNull();
});
