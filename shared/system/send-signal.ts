// Sends signals to processes that may be gone.

/** A negative `pid` names the process group of its leader. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // The process is gone already, or is one that this user may not end.
  }
}
