// Warns before a server runs out of connections.

import { expect, test } from 'vitest';
import { shortOfRoom } from '../../shared/redis/server-room.ts';

const infoOf = (used: string, limit: string): ReadonlyMap<string, string> =>
  new Map([
    ['connected_clients', used],
    ['maxclients', limit],
  ]);

test.each([
  ['a server with room', infoOf('10', '100'), 15, null],
  ['a server that names no limit', new Map([['connected_clients', '10']]), 15, null],
  ['a server that four fifths use', infoOf('80', '100'), 3, /80 of at most 100 connections .* room for 4 agents: each agent needs 5/],
  ['a server with too little room for this command', infoOf('10', '20'), 11, /10 of at most 20 connections .* room for 2 agents/],
  ['a full server', infoOf('21', '20'), 0, /room for 0 agents/],
])('%s', (_, facts, needed, warning) => {
  const said = shortOfRoom(facts, needed);
  if (warning === null) expect(said).toBeNull();
  else expect(said).toMatch(warning);
});
