// The keys of a run: what it signs with, and whose messages it counts.

import type { KeyUse } from '../../../shared/domain/trust.ts';
import { ShardlineError } from '../../../shared/errors.ts';
import { safeUrl } from '../../../shared/settings/redis-url.ts';
import type { RunSettings } from '../../../shared/settings/settings.ts';
import { systemClock } from '../../../shared/system/clock.ts';
import type { Edge } from '../../../shared/system/edge.ts';
import { publicKeyFrom, readSigner, readTrustedKeys } from '../../../shared/system/key-files.ts';
import { NO_VERIFIER, type Signer, type TrustedKey, type Verifier, verifierOf } from '../../../shared/wire/signature.ts';
import { endsTooEarly } from '../../../shared/wire/trust/certificate.ts';

export interface RunTrust {
  /** Signs what this command sends; null to sign nothing. */
  readonly signer: Signer | null;
  /** Decides whose reports count, and whose record of a run. */
  readonly verifier: Verifier;
}

/** Uses of a trusted key whose file says nothing. Each of several CI jobs runs tests, and may coordinate the run. */
const OF_AGENTS: readonly KeyUse[] = ['agent'];
const OF_JOBS: readonly KeyUse[] = ['agent', 'coordinator'];

/** Throws `bad-key`, and `bad-option` if the agents of this command could not sign. */
export async function readTrust(settings: RunSettings, { stderr }: Edge, isOfJobs: boolean): Promise<RunTrust> {
  const { trust, verify, agents, redis, signKey, deadlineSeconds } = settings;
  if (settings.trustsNetwork && redis !== null) {
    stderr.write(
      `shardline: warning: this run is not signed: everyone who can write to Redis at ${safeUrl(redis)} can change its results. Fix: use --sign-key and --trust, or accept it with --verify off\n`,
    );
  }
  const signer = signKey === null ? null : await readSigner(signKey);
  if (signer !== null && signKey !== null && deadlineSeconds !== null && redis !== null) {
    const early = endsTooEarly(signer.certificate, signKey, 'this run', systemClock.now() + deadlineSeconds * 1000);
    if (early !== null) stderr.write(`shardline: ${early}\n`);
  }
  if (verify === 'off' || redis === null) return { signer, verifier: NO_VERIFIER };
  if (trust === null) {
    throw new ShardlineError('bad-option', {
      problem: `--verify ${verify} has no key to verify with.`,
      fix: 'Name the public keys of the agents with --trust FILE.',
    });
  }
  if (signer === null && (isOfJobs || (agents ?? 0) > 0)) {
    throw new ShardlineError('bad-option', {
      problem: 'The agents of this command have no key to sign with.',
      fix: 'Add --sign-key FILE.',
    });
  }
  const own: readonly TrustedKey[] = signer === null ? [] : [{ key: publicKeyFrom(signer.publicKey), uses: OF_JOBS }];
  const keys = [...(await readTrustedKeys(trust, isOfJobs ? OF_JOBS : OF_AGENTS)), ...own];
  const onDoubt = ({ message }: ShardlineError): void => {
    const [what = ''] = message.split('\n');
    stderr.write(`shardline: warning: ${what} It counts all the same, because of --verify warn.\n`);
  };
  return { signer, verifier: verifierOf({ keys, mode: verify, onDoubt, now: systemClock.now }) };
}
