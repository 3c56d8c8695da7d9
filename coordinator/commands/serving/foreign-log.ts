// Whether a run may be resumed from a log in Redis. Others can write to Redis, so arguments and files of such a log are judged like an agent
// judges those of a run, unless a trusted key has signed them.

import { resolve } from 'node:path';
import { foreignArgs } from '../../../shared/domain/accepted-args.ts';
import { ShardlineError } from '../../../shared/errors.ts';
import { isInside } from '../../../shared/system/files/is-inside.ts';
import { oneLine } from '../../../shared/text/safe-text.ts';
import type { RunOpened } from '../../core/state/events.ts';
import { addoptsOf } from '../preparation/part.ts';
import type { Setting } from '../run-context.ts';

type Judging = Pick<Setting, 'settings' | 'edge' | 'id' | 'out' | 'trust'>;

/** Throws `foreign-log`. */
export async function refuseForeignLog(setting: Judging, { spec, junitXml, cache, coverage }: RunOpened): Promise<void> {
  const { settings, id, trust } = setting;
  if (settings.trustsLog || trust.verifier.isStrict) return;
  const own = [...settings.paths, ...settings.pytestArgs];
  const args = await foreignArgs(spec.pytestArgs, { mode: 'safe', own }, (path) => isInside(settings.workspace, path));
  if (args.length > 0) throw refused(id, `its arguments of pytest can run code or write files: ${args.join(' ')}`);
  const named = {
    'its JUnit file': [junitXml],
    'its cache of pytest': [cache?.directory],
    'its configuration of coverage': [coverage?.config],
    'its report of coverage': Object.values(coverage?.reports ?? {}),
    'its source of coverage': coverage?.source ?? [],
  };
  for (const [what, paths] of Object.entries(named)) {
    for (const path of paths) {
      if (typeof path === 'string' && !(await isAccepted(setting, path)))
        throw refused(id, `${what} is outside the workspace ${settings.workspace}: ${path}`);
    }
  }
}

/** Whether a file is below the workspace or the run's directory, or was named to this command. */
async function isAccepted({ settings: { workspace, paths, pytestArgs }, edge, out }: Judging, path: string): Promise<boolean> {
  // coverage.py may read it as a home directory.
  if (path.startsWith('~')) return false;
  const place = resolve(workspace, path);
  const own = [...paths, ...pytestArgs, ...addoptsOf(edge).split(/\s+/)];
  if (own.flatMap(pathsIn).some((each) => resolve(workspace, each) === place)) return true;
  return (await isInside(workspace, place)) || (await isInside(out, place).catch(() => false));
}

/** `--junit-xml=PATH`, `--cov-report=xml:PATH`. */
const pathsIn = (argument: string): readonly string[] => [
  argument,
  ...[...argument.matchAll(/[=:]/g)].map(({ index }) => argument.slice(index + 1)),
];

const refused = (runId: Setting['id'], problem: string): ShardlineError =>
  new ShardlineError('foreign-log', { runId, problem: oneLine(problem).slice(0, 1000) });
