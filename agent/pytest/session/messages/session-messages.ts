// Messages about the session as a whole, most of them from pytest's main process.

import { testFile } from '../../../../shared/domain/ids.ts';
import { messageOf } from '../../../../shared/errors.ts';
import type { NumberedWorkers } from '../../../worker-numbers.ts';
import { type FedRequest, notStarted } from '../fed-request.ts';
import type { FedSession } from '../fed-session.ts';
import type { Handlers, MessageOf } from './handlers.ts';
import { beginCollecting } from './worker-messages.ts';

function started(session: FedSession, message: MessageOf<'started'>): void {
  const { request, roster, collection, failure, covered, startUp } = session;
  roster.expect(message.workers);
  request.collect(message).then((how) => {
    collection.decide(how);
    for (const each of roster.met()) beginCollecting(session, each);
  }, failure.giveUp);
  if (message.coverage !== null) covered.begin(message.coverage);
  startUp.started(message);
}

async function number({ workers, print }: FedRequest, { count, isReplacement }: MessageOf<'workers-wanted'>): Promise<NumberedWorkers> {
  try {
    return await (isReplacement ? workers.replace() : workers.begin(count));
  } catch (thrown) {
    print(`xdist workers keep the ids that xdist gives them, which may be in use by another agent on this machine: ${messageOf(thrown)}`);
    return { ids: [], numbers: [] };
  }
}

export const sessionMessages = {
  started,
  'workers-wanted': ({ request, send }, message, worker) =>
    void number(request, message).then((numbered) => send(worker, { kind: 'numbered', ...numbered })),
  'usage-error'({ request, failure }, { message }) {
    request.refused(message);
    failure.giveUp(notStarted(request, `pytest rejected its arguments: ${message}`));
  },
  inseparable: ({ request }, { why, file, companions }) =>
    request.inseparable({ why, file: file === null ? null : testFile(file), companions: companions.map(testFile) }),
  relaying: ({ request }, { why }) => request.print(`reports also pass through pytest's main process: ${why}`),
  'not-relayed': ({ request }, { nodeid, problem }) =>
    request.print(`a report of ${nodeid} did not reach pytest's main process: ${problem}`),
  'not-forked': ({ request }, { why }) => request.debug?.(`xdist workers start without fork: ${why}`),
  shown: ({ shown }, message) => shown.receive(message),
  finished: ({ pytest }, { exitCode }) => pytest.finish(exitCode),
} satisfies Partial<Handlers>;
