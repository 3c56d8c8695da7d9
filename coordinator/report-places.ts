// Where a reported run left its files, for the commands that a reader of the report may run.

import { isAbsolute, relative } from 'node:path';

/** The events in which an agent is recorded, as `shardline replay` takes them: the folder of a run, and the agent's name there. */
export interface Recorded {
  readonly folder: string;
  readonly agent: string;
}

export interface Places {
  /** The report as JSON; null if there is none. */
  readonly json: string | null;
  /** True if `json` is the newest report in the workspace's `.shardline/runs`, which `run --failed` finds by itself. */
  readonly isNewest: boolean;
  /** null if the events of this agent of the report were not kept. */
  readonly recorded: (agent: string) => Recorded | null;
}

/** A folder of this name is the folder of the report itself. */
export const OWN_FOLDER = '.';

export const NO_PLACES: Places = { json: null, isNewest: false, recorded: () => null };

/** The places of a run whose files are in `folder`. */
export const placesIn = (folder: string, isNewest: boolean): Places => ({
  json: folder === OWN_FOLDER ? 'report.json' : `${folder}/report.json`,
  isNewest,
  recorded: (agent) => ({ folder, agent }),
});

/** Returns the path relative to the command's working directory if it is inside. */
export function shortest(path: string, cwd: string): string {
  const inside = relative(cwd, path);
  return inside === '' || inside.startsWith('..') || isAbsolute(inside) ? path : inside;
}
