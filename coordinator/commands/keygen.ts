// `shardline keygen`: writes a pair of keys for signed runs, or the certificate of a key.

import type { KeyObject } from 'node:crypto';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { roles } from '../../shared/domain/trust.ts';
import { ShardlineError } from '../../shared/errors.ts';
import type { CertificateSettings, KeygenSettings } from '../../shared/settings/settings.ts';
import type { Edge } from '../../shared/system/edge.ts';
import {
  certificatePathOf,
  privateKeyIn,
  publicPathOf,
  readPrivateKey,
  readPublicKey,
  writeCertificate,
  writeKeyPair,
} from '../../shared/system/key-files.ts';
import { instant } from '../../shared/wire/trust/certificate.ts';

const PUBLIC = '.pub';
const STDIN = 'from standard input';

/** Throws `bad-key`. */
export async function keygenCommand({ path, isPoolKey, certificate }: KeygenSettings, edge: Edge): Promise<number> {
  const lines: string[] = [];
  const isPublic = certificate !== null && path.endsWith(PUBLIC);
  const privatePath = isPublic ? path.slice(0, -PUBLIC.length) : path;
  // Read before anything is written, and only once: it may be standard input.
  const poolKey = certificate === null ? null : await readPoolKey(certificate.poolKey, edge);
  if (!isPublic) {
    const { keyId } = await writeKeyPair(resolve(edge.cwd, path), { isPoolKey });
    lines.push(`Wrote key ${keyId}: ${path} (private) and ${publicPathOf(path)} (public).`);
  }
  if (certificate !== null && poolKey !== null) {
    const until = await certify(certificate, resolve(edge.cwd, privatePath), poolKey);
    lines.push(`Wrote its certificate: ${certificatePathOf(privatePath)}, valid until ${instant(until)}.`);
    if (!isPublic) lines.push(`Sign with it: \`--sign-key ${path}\``);
    lines.push("Trust it on the other side: `--trust FILE`, where FILE is the pool key's public file");
  } else if (isPoolKey) {
    lines.push(`Certify keys: \`shardline keygen agent.key --certify ${path}\``, `Trust them: \`--trust ${publicPathOf(path)}\``);
  } else {
    lines.push(`Sign with it: \`--sign-key ${path}\``, `Trust it on the other side: \`--trust ${publicPathOf(path)}\``);
  }
  edge.stdout.write(`${lines.join('\n')}\n`);
  return 0;
}

/** Throws `bad-key`, also if no command would accept what the key certifies. */
async function readPoolKey(path: string, { cwd, stdin }: Edge): Promise<KeyObject> {
  const { key, isPoolKey } = path === '-' ? privateKeyIn(await text(stdin), STDIN) : await readPrivateKey(resolve(cwd, path));
  if (isPoolKey) return key;
  throw new ShardlineError('bad-key', {
    path: path === '-' ? STDIN : path,
    problem: 'it is no pool key, so it cannot certify other keys',
    fix: 'Give the whole file that `shardline keygen pool.key --pool-key` has written, with its line `Use: certify`.',
  });
}

/** Certifies the public key beside the private one at `path`. Resolves with the end of its validity, in milliseconds since the epoch. */
async function certify(asked: CertificateSettings, path: string, poolKey: KeyObject): Promise<number> {
  const from = Math.floor(Date.now() / 1000) * 1000;
  const until = from + asked.validSeconds * 1000;
  const allowed = {
    pool: asked.pools,
    run: asked.runs,
    roles: roles.filter((role) => asked.role === 'both' || role === asked.role),
    from,
    until,
    mostAgents: asked.mostAgents,
  };
  await writeCertificate(path, await readPublicKey(publicPathOf(path)), allowed, poolKey);
  return until;
}
