#!/usr/bin/env bash
# docker-plugins.sh DIR: docker compose and buildx as plugins of the Docker client under DIR (use it as DOCKER_CONFIG), where the client has none.
# They are Debian 13's packages, which need only libc6 2.34, unpacked from whatever mirror this machine's apt uses; nothing is installed.
set -euo pipefail

config=${1:?usage: $0 DIR}
export DOCKER_CONFIG=$config
if docker compose version >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1; then exit 0; fi

sources=/etc/apt/sources.list.d/debian.sources
if [ ! -r "$sources" ]; then
  echo "docker compose or buildx is missing, and $sources is not there to take them from. Fix: install Docker's compose and buildx plugins." >&2
  exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{parts,lists/partial,cache/archives/partial,unpacked} "$config/cli-plugins"
sed -E '/^Suites: .*-security/s/.*/Suites: trixie-security/; /^Suites: bookworm/s/.*/Suites: trixie/' "$sources" >"$work/parts/trixie.sources"
apt=(apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/parts" -o "Dir::State::lists=$work/lists"
  -o "Dir::Cache=$work/cache" -o Dir::State::status=/dev/null -o APT::Sandbox::User=root -o Acquire::Languages=none)
"${apt[@]}" update
cd "$work"
"${apt[@]}" download docker-compose docker-buildx
for package in *.deb; do dpkg-deb -x "$package" unpacked; done
install -m755 unpacked/usr/libexec/docker/cli-plugins/docker-* "$config/cli-plugins/"
echo "docker plugins: $(docker compose version --short) (compose), in $config"
