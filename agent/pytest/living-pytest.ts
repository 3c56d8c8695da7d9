// Which pytest serves a session now, and what replaces it when it dies. It does not know how a pytest starts or what it runs.
//
// vacant     → replacing   an attempt needs a pytest
// open       → replacing   an attempt needs a pytest, and the current one is dead
// replacing  → open        the new pytest is ready
// replacing  → vacant      the new pytest did not start; the next attempt tries again
// vacant, open, replacing → closed

import { assertNever } from '../../shared/assert-never.ts';
import type { FedPytest } from './fed-pytest.ts';

export type MortalPytest = Pick<FedPytest, 'isOver' | 'end'>;

type Mode<Pytest> =
  /** No pytest is ready, and none is starting. */
  | { readonly kind: 'vacant' }
  /** Every attempt that needs a pytest waits for `next`. */
  | { readonly kind: 'replacing'; readonly next: Promise<Pytest> }
  /** This pytest was ready. If it has died since, the next attempt that needs one finds out. */
  | { readonly kind: 'open'; readonly pytest: Pytest }
  | { readonly kind: 'closed' };

/** What may precede each mode. */
const mayPrecede: Readonly<Record<Mode<unknown>['kind'], readonly Mode<unknown>['kind'][]>> = {
  vacant: ['replacing'],
  replacing: ['vacant', 'open'],
  open: ['replacing'],
  closed: ['vacant', 'open', 'replacing'],
};

export interface LivingPytest<Pytest> {
  /** The current pytest, or a new one if there is none or it died. Rejects with the reason why a new one does not start. */
  current(): Promise<Pytest>;
  /** Ends the current pytest, and one that is still starting. To be called once. */
  close(): Promise<void>;
  /** Whether `close` was called. */
  isClosed(): boolean;
}

/** `start` starts one pytest. The next attempt that needs one replaces a dead one, regardless of the cause. */
export function createLivingPytest<Pytest extends MortalPytest>(start: () => Promise<Pytest>): LivingPytest<Pytest> {
  let mode: Mode<Pytest> = { kind: 'vacant' };

  const move = (to: Mode<Pytest>): void => {
    if (!mayPrecede[to.kind].includes(mode.kind)) throw new Error(`a session that is ${mode.kind} cannot become ${to.kind}`);
    mode = to;
  };

  const replace = (): Promise<Pytest> => {
    const next = start().then(
      (pytest) => {
        if (mode.kind !== 'closed') move({ kind: 'open', pytest });
        return pytest;
      },
      (thrown: unknown) => {
        if (mode.kind !== 'closed') move({ kind: 'vacant' });
        throw thrown;
      },
    );
    move({ kind: 'replacing', next });
    return next;
  };

  return {
    async current() {
      switch (mode.kind) {
        case 'vacant':
          return await replace();
        case 'replacing':
          return await mode.next;
        case 'open':
          return mode.pytest.isOver() ? await replace() : mode.pytest;
        case 'closed':
          throw new Error('a session that is closed has no pytest');
        default:
          return assertNever(mode);
      }
    },
    async close() {
      const last = mode;
      move({ kind: 'closed' });
      if (last.kind === 'open') await last.pytest.end();
      if (last.kind !== 'replacing') return;
      // The attempt that waits for this pytest reports why it did not start.
      const [started] = await Promise.allSettled([last.next]);
      if (started.status === 'fulfilled') await started.value.end();
    },
    isClosed: () => mode.kind === 'closed',
  };
}
