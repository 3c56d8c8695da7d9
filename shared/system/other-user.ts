// Another user of this machine that runs tests in place of the agent's own, so that tests cannot read what the agent can: its keys, and the
// password of Redis in its memory and environment.
//
// The other user may write whatever it owns at any time, also after its tests have ended. So this process never follows its links: it makes
// every directory in which it works itself, and checks the owner of what it reads.

import { once } from 'node:events';
import { constants } from 'node:fs';
import { chmod, chown, open } from 'node:fs/promises';
import { execa } from 'execa';
import { messageOf, reasonOf, ShardlineError } from '../errors.ts';

export interface OtherUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** Looks up a user by name or number, and checks that this process can start and end processes of it. Throws `cannot-run-as`. */
export async function findUser(name: string): Promise<OtherUser> {
  const problem = (text: string, fix: string, cause?: unknown) =>
    new ShardlineError('cannot-run-as', { user: name, problem: text, fix }, { cause });
  const uid = process.getuid?.() ?? null;
  if (uid !== 0) {
    throw problem(
      uid === null ? 'this system has no such users' : `this agent runs as user ${uid}, and only root can start processes of another user`,
      'Start the agent as root, or start it as that user without --run-as.',
    );
  }
  const user = await lookUp(name).catch((thrown: unknown) => {
    throw problem(`getent did not answer: ${reasonOf(thrown)}`, 'Install getent, which is part of libc-bin.', thrown);
  });
  if (user === null) throw problem('this machine has no such user', 'Create it, for example with `useradd --system --create-home NAME`.');
  if (user.uid === 0) throw problem('it is root, which can read everything', 'Name a user without rights.');
  const refusal = await probe(user);
  if (refusal !== null) {
    const fix = 'Give it the capabilities CHOWN, DAC_OVERRIDE, KILL, SETGID and SETUID.';
    throw problem(`this agent may not start or end processes of that user: ${refusal}`, fix);
  }
  return user;
}

/** null if there is no such user. */
async function lookUp(name: string): Promise<OtherUser | null> {
  const { exitCode, stdout, failed, cause } = await execa('getent', ['passwd', '--', name], { reject: false, stdin: 'ignore' });
  if (exitCode === undefined) throw cause;
  const [found = '', , uid = '', gid = '', , home = '/'] = failed ? [] : stdout.split(':');
  return found === '' ? null : { name: found, uid: Number(uid), gid: Number(gid), home };
}

/** Starts and ends a process of the user. Resolves with the reason why that is not possible; null if it is. */
async function probe(user: OtherUser): Promise<string | null> {
  const { nodeChildProcess: child } = execa('sleep', ['1'], { ...asUser(user, process.env), cwd: '/', stdio: 'ignore', reject: false });
  try {
    await once(child, 'spawn');
    if (child.pid !== undefined) process.kill(child.pid, 'SIGKILL');
    return null;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

/** Variables of the agent's own session, which another user cannot use. */
const OWN = /^(SHARDLINE_|SUDO_|XDG_|(TMPDIR|TEMP|TMP|MAIL|SSH_AUTH_SOCK|DBUS_SESSION_BUS_ADDRESS)$)/;

/** Options that start a process as `user`, without supplementary groups; none for null. */
export function asUser(user: OtherUser | null, environment: NodeJS.ProcessEnv) {
  if (user === null) return {};
  const { name, uid, gid, home } = user;
  const kept = Object.fromEntries(Object.entries(environment).filter(([variable]) => !OWN.test(variable)));
  return { uid, gid, env: { ...kept, HOME: home, USER: name, LOGNAME: name }, extendEnv: false } as const;
}

/** Gives a file, socket or empty directory to the user, and to no other; does nothing for null. */
export async function giveTo(user: OtherUser | null, path: string, mode: number): Promise<void> {
  if (user === null) return;
  await chmod(path, mode);
  await chown(path, user.uid, user.gid);
}

/** Lets the user enter a directory of this process, but neither list nor change it; does nothing for null. */
export async function letEnter(user: OtherUser | null, directory: string): Promise<void> {
  if (user === null) return;
  await chown(directory, -1, user.gid);
  await chmod(directory, 0o710);
}

/**
 * Opens a regular file for reading, and no link to one. With `user`, the file has to belong to it: a link may name a file that only this
 * process can read. Throws what the system reports, and an Error for a file of another user.
 */
export async function openOwned(user: OtherUser | null, path: string) {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const found = await file.stat();
  if (found.isFile() && (user === null || found.uid === user.uid)) return { file, size: found.size };
  await file.close();
  throw new Error(`${path} is not a file of ${user?.name ?? 'this user'}`);
}
