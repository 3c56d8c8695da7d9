// Whether the tests that need Docker can run here, and with which images.

import { execFileSync } from 'node:child_process';

/** The base image of docker/Dockerfile, or a stand-in if no image registry is reachable (scripts/docker-base-image.sh). */
export const baseImage = process.env.SHARDLINE_BASE_IMAGE ?? 'node:24-bookworm-slim';

/** The image of the Redis in the tests. */
export const redisImage = process.env.SHARDLINE_REDIS_IMAGE ?? 'redis:7';

/**
 * Null if a Docker engine answers and the compose and buildx plugins exist, otherwise the reason for skipping, in one sentence.
 * If CI or SHARDLINE_NEED_DOCKER=1 is set, a missing engine throws instead, so that no test is skipped unnoticed.
 */
export function whyNoDocker(): string | null {
  const missing = [
    ['version', '--format', '{{.Server.Version}}'],
    ['compose', 'version'],
    ['buildx', 'version'],
  ].find((args) => !answers(args));
  if (missing === undefined) return null;
  const reason = missing[0] === 'version' ? 'no Docker engine answers' : `the Docker client has no ${missing[0]} plugin`;
  if (process.env.SHARDLINE_NEED_DOCKER === '1' || process.env.CI === 'true') {
    throw new Error(
      `${reason}, and these tests must not be skipped here. Fix: start Docker, or as root run scripts/docker-engine.sh start.`,
    );
  }
  return `skipped: ${reason}`;
}

function answers(args: readonly string[]): boolean {
  try {
    execFileSync('docker', args, { stdio: 'ignore', timeout: 30_000 });
    return true;
  } catch {
    return false;
  }
}
