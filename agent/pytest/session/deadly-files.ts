// The files that killed a worker while it collected the whole list, or imported companions. The next workers report each as an error
// instead of collecting it, and leave it out as a companion.

/** The number of files that may kill workers during the collection of the whole list. */
const DEADLY_LIMIT = 50;

export interface DeadlyFiles {
  /** The worker starts to collect the file. */
  begin(worker: string, file: string): void;
  /** The worker has collected its file. */
  end(worker: string): void;
  /** pytest raised an internal error in a worker without a task. */
  fail(worker: string, message: string): void;
  /** The worker died. Returns whether the file that it was collecting is to blame. */
  lose(worker: string, error: string): boolean;
  /** Each deadly file with the reason. */
  all(): Readonly<Record<string, string>>;
}

export function createDeadlyFiles(): DeadlyFiles {
  const current = new Map<string, string>();
  const deadly = new Map<string, string>();
  const internalErrors = new Map<string, string>();
  return {
    begin: (worker, file) => void current.set(worker, file),
    end: (worker) => void current.delete(worker),
    fail: (worker, message) => void internalErrors.set(worker, message),
    lose(worker, error) {
      const file = current.get(worker);
      current.delete(worker);
      if (file === undefined || deadly.size >= DEADLY_LIMIT) return false;
      const inside = internalErrors.get(worker);
      const how = inside === undefined ? error : `${error}\n${inside}`;
      deadly.set(file, `xdist worker ${worker} crashed while collecting ${file}: ${how}`);
      return true;
    },
    all: () => Object.fromEntries(deadly),
  };
}
