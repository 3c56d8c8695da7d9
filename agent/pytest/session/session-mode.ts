// The mode of one fed session. Whether a session failed is a separate question: a failed session keeps its mode until pytest has exited.
//
// starting   no xdist worker may run tests yet
// serving    runs attempts
// ending     workers tear down their fixtures; no attempt begins
// gone       pytest has exited and its last message has been read

export type Mode = 'starting' | 'serving' | 'ending' | 'gone';

/** The modes that may follow each mode. */
const next: Readonly<Record<Mode, readonly Mode[]>> = {
  starting: ['serving', 'gone'],
  serving: ['ending', 'gone'],
  ending: ['gone'],
  gone: [],
};

export interface SessionMode {
  now(): Mode;
  /** Throws when `to` may not follow the current mode. */
  move(to: Mode): void;
  /** Whether attempts may still begin, now or when the session is ready. */
  isOpen(): boolean;
}

export function createSessionMode(): SessionMode {
  let mode: Mode = 'starting';
  return {
    now: () => mode,
    move(to) {
      if (!next[mode].includes(to)) throw new Error(`a session that is ${mode} cannot become ${to}`);
      mode = to;
    },
    isOpen: () => mode === 'starting' || mode === 'serving',
  };
}
