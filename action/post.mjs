// Ends what a cancelled step has left: this runs after every step, also if its main process was killed.

import { setTimeout as delay } from 'node:timers/promises';

const WAIT_MS = 5000;
const LOOK_MS = 100;

/** Sends the signal; returns false if the process is gone. */
function signal(pid, name) {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}

const pid = Number(process.env.STATE_pid);
if (pid > 0 && signal(pid, 'SIGTERM')) {
  process.stdout.write(`Waiting for shardline (pid ${pid}) to write its reports\n`);
  for (let waited = 0; waited < WAIT_MS && signal(pid, 0); waited += LOOK_MS) await delay(LOOK_MS);
  signal(pid, 'SIGKILL');
}
