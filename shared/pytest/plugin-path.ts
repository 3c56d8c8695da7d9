// Paths of shardline's Python code, which is next to this file both in the repository and in the published package.

import { fileURLToPath } from 'node:url';

/** Absolute path of the folder with all of it. */
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

/** Absolute path of interpreter.py, which describes an interpreter. */
export function interpreterPath(): string {
  return fileURLToPath(new URL('./plugin/interpreter.py', import.meta.url));
}
