// Runs one suite over every Redis and Valkey that a package provides: a coordinator and two agents, with equal outcomes.

import { expect, test } from 'vitest';
import { serverNames } from '../../scripts/redis-servers.ts';
import { serverProgram, startProgram } from '../support/redis.ts';
import { wholeRun } from '../support/whole-run.ts';

test.each(serverNames.map((name) => [name, serverProgram(name)] as const))(
  'a run over %s has the outcomes of pytest',
  async (_, program) => {
    if (program === null) return;
    await using server = await startProgram(program);
    const { outcomes, expected, exitCode, said } = await wholeRun({ run: server.url, agent: server.url });
    expect(outcomes, said).toEqual(expected);
    expect(exitCode).toBe(1);
  },
);
