// Where the Python side of shardline lies: beside this file, in the repository as in the published package.

import { fileURLToPath } from 'node:url';

/** Absolute path of the folder that holds all of it. */
export function pluginPath(): string {
  return fileURLToPath(new URL('./plugin', import.meta.url));
}

/** Absolute path of launch.py, which starts pytest with shardline's plugin. */
export function launchPath(): string {
  return fileURLToPath(new URL('./plugin/launch.py', import.meta.url));
}

/** Absolute path of combine.py, which combines coverage data. */
export function combinePath(): string {
  return fileURLToPath(new URL('./plugin/combine.py', import.meta.url));
}
