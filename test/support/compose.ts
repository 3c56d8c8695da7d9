// Images of docker/Dockerfile under a tag of this process, and a project of docker compose that runs them.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { baseImage, redisImage } from './docker-gate.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Other checkouts may build images on the same engine. */
const tag = `test-${process.pid}`;

export const imageOf = (target: string): string => `shardline-${target}:${tag}`;

/** Builds images; the caller removes them with `removeImages`. */
export async function buildImages(...targets: readonly string[]): Promise<void> {
  for (const target of targets) {
    const args = ['--file', 'docker/Dockerfile', '--target', target, '--tag', imageOf(target), '--build-arg', `BASE=${baseImage}`];
    await execa('docker', ['build', '--quiet', ...args, '.'], { cwd: root });
  }
}

export async function removeImages(...targets: readonly string[]): Promise<void> {
  await execa('docker', ['image', 'rm', '--force', ...targets.map(imageOf)], { reject: false });
}

export interface Composed {
  readonly project: string;
  /** Runs `docker compose` in the project; resolves with its output. Rejects if it fails. */
  compose(...args: readonly string[]): Promise<string>;
  /** Runs `docker`; resolves with its standard output. Rejects if it fails. */
  docker(...args: readonly string[]): Promise<string>;
  /** Removes containers, networks and volumes. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A project of its own with the files `docker/compose*.yaml` that are named. */
export function composed(name: string, files: readonly string[], environment: Readonly<Record<string, string>> = {}): Composed {
  const project = `shardline-${name}-${process.pid}`;
  const env = { SHARDLINE_BASE_IMAGE: baseImage, SHARDLINE_REDIS_IMAGE: redisImage, IMAGE_TAG: tag, ...environment };
  const where = files.flatMap((file) => ['--file', join('docker', file)]);
  const compose = async (...args: readonly string[]): Promise<string> => {
    const { all } = await execa('docker', ['compose', '--project-name', project, ...where, ...args], { cwd: root, env, all: true });
    return all;
  };
  return {
    project,
    compose,
    docker: async (...args) => (await execa('docker', args, { timeout: 120_000 })).stdout,
    async [Symbol.asyncDispose]() {
      await compose('down', '--volumes', '--timeout', '2');
    },
  };
}
