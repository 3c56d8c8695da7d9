// The keys of a run's agents, as its coordinators see them: each agent keeps the key of its first message, also under the next coordinator.

import { ShardlineError } from '../../errors.ts';
import { plural } from '../../text/safe-text.ts';
import type { Signed, Verifier } from '../signature.ts';

/** The key of an agent's verified message. The certificate is null if only the key is known. */
export type AgentKey = Pick<Signed, 'sender' | 'keyId'> & { readonly certificate: string | null };

/** The key of each agent's first message, and the certificates that came with it. */
export type AgentKeys = ReadonlyMap<string, KnownKey>;
export type NotedKeys = Map<string, KnownKey>;

interface KnownKey {
  readonly keyId: string;
  readonly certificates: ReadonlySet<string>;
}

/** Certificates of one sender that are kept: more than one is already too many to say that it has expired. */
const MOST_CERTIFICATES = 2;

/** Adds the key of a verified message. The first key of an agent stays. */
export function noteKey(keys: NotedKeys, { sender, keyId, certificate }: AgentKey): void {
  const known = keys.get(sender);
  const certificates = known?.certificates ?? new Set<string>();
  if (known !== undefined && known.keyId !== keyId) return;
  const isNew = certificate !== null && !certificates.has(certificate) && certificates.size < MOST_CERTIFICATES;
  if (known === undefined || isNew)
    keys.set(sender, { keyId, certificates: isNew ? new Set([...certificates, certificate]) : certificates });
}

/**
 * Refuses, beside what `verifier` refuses, messages of a sender whose earlier messages had another key, because a trusted agent may not speak
 * for another one, and those of more senders than a certificate is for. `earlier` are the keys that earlier coordinators of the run have
 * recorded.
 */
export function oneKeyEach(verifier: Verifier, earlier: AgentKeys = new Map()): Verifier {
  const known = new Map(earlier);
  const agents = new Map<string, number>();
  const countAgent = (keyId: string): void => void agents.set(keyId, (agents.get(keyId) ?? 0) + 1);
  for (const { keyId } of known.values()) countAgent(keyId);
  return {
    isStrict: verifier.isStrict,
    verify(message, source) {
      const { sender, keyId } = message;
      const most = verifier.verify(message, source);
      if (!verifier.isStrict) return most;
      const before = known.get(sender);
      if (before !== undefined && before.keyId !== keyId) throw new ShardlineError('other-key', { source, sender: `agent ${sender}` });
      if (before === undefined) {
        if (most !== null && (agents.get(keyId) ?? 0) >= most)
          throw new ShardlineError('bad-certificate', { source, key: keyId, problem: `is for no more than ${plural(most, 'agent')}` });
        countAgent(keyId);
      }
      noteKey(known, message);
      return most;
    },
    knows({ sender, keyId, certificate }) {
      const before = known.get(sender);
      return before?.keyId === keyId && before.certificates.size === 1 && before.certificates.has(certificate);
    },
  };
}
