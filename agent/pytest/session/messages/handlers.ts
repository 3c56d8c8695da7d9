// What handles each kind of message from pytest.

import type { PytestMessage } from '../../codec.ts';
import type { FedSession } from '../fed-session.ts';

export type MessageOf<Kind extends PytestMessage['kind']> = Extract<PytestMessage, { readonly kind: Kind }>;

/** `worker` sent the message: `main`, `controller` or an xdist worker. */
export type Handlers = {
  readonly [Kind in PytestMessage['kind']]: (session: FedSession, message: MessageOf<Kind>, worker: string) => void;
};
