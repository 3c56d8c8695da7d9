// Certificates for TLS tests: a private CA, a server and a client with certificates of it, and a CA that nobody trusts.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { TlsFiles } from '../../shared/settings/settings.ts';

export interface Certificates extends AsyncDisposable {
  readonly directory: string;
  readonly ca: string;
  /** Another CA, which has signed nothing. */
  readonly otherCa: string;
  readonly server: Pair;
  readonly client: Pair;
  /** A client with a certificate of its own making. */
  readonly stranger: Pair;
}

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Makes them with openssl, in a directory of their own. The server's certificate is for 127.0.0.1. */
export async function makeCertificates(): Promise<Certificates> {
  const directory = await mkdtemp(join(tmpdir(), 'shardline-test-tls-'));
  const openssl = async (...args: string[]): Promise<void> => void (await execa('openssl', args, { cwd: directory }));
  const pair = (name: string): Pair => ({ cert: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const self = async (name: string): Promise<Pair> => {
    const { cert, key } = pair(name);
    await openssl('req', '-x509', ...newKey, '-keyout', key, '-out', cert, '-days', '2', '-subj', `/CN=${name}`);
    return { cert, key };
  };
  const ca = await self('ca');
  const signed = async (name: string): Promise<Pair> => {
    const { cert, key } = pair(name);
    const extensions = join(directory, `${name}.ext`);
    await writeFile(extensions, 'subjectAltName=IP:127.0.0.1\n');
    await openssl('req', '-new', ...newKey, '-keyout', key, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const signer = ['-CA', ca.cert, '-CAkey', ca.key, '-CAcreateserial'];
    await openssl('x509', '-req', '-in', `${name}.csr`, ...signer, '-out', cert, '-days', '2', '-extfile', extensions);
    return { cert, key };
  };
  return {
    directory,
    ca: ca.cert,
    otherCa: (await self('other-ca')).cert,
    server: await signed('server'),
    client: await signed('client'),
    stranger: await self('stranger'),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** Options of a server that speaks only TLS, and requires a certificate of its CA. */
export const serverTlsOptions = ({ ca, server }: Certificates): string[] => [
  ...['--tls-ca-cert-file', ca, '--tls-cert-file', server.cert, '--tls-key-file', server.key],
  ...['--tls-auth-clients', 'yes'],
];

/** The files of a client that such a server accepts. */
export const tlsFilesOf = ({ ca, client }: Certificates): TlsFiles => ({ ca, cert: client.cert, key: client.key });

/** The same files as options of shardline. */
export const tlsOptionsOf = ({ ca, client }: Certificates): string[] => [
  '--redis-ca',
  ca,
  '--redis-cert',
  client.cert,
  '--redis-key',
  client.key,
];
