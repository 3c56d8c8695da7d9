// `shardline keygen`: writes a pair of keys for signed runs.

import { resolve } from 'node:path';
import type { KeygenSettings } from '../../shared/settings/settings.ts';
import type { Edge } from '../../shared/system/edge.ts';
import { publicPathOf, writeKeyPair } from '../../shared/system/key-files.ts';

export async function keygenCommand({ path }: KeygenSettings, edge: Edge): Promise<number> {
  const { keyId } = await writeKeyPair(resolve(edge.cwd, path));
  const publicPath = publicPathOf(path);
  edge.stdout.write(
    [
      `Wrote key ${keyId}: ${path} (private) and ${publicPath} (public).`,
      `Sign runs: \`shardline run --sign-key ${path}\``,
      `Trust them on every agent: \`shardline agent --trust ${publicPath}\``,
      '',
    ].join('\n'),
  );
  return 0;
}
