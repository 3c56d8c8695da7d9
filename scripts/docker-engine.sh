#!/usr/bin/env bash
# docker-engine.sh start|stop: a Docker engine for the tests, where none answers. An engine that was there before is used and left alone.
# Its data lies outside the repository, and containers' ports are published on loopback only. Needs root; installs docker.io by apt if missing.
set -euo pipefail

dir=${SHARDLINE_ENGINE_DIR:-/var/lib/shardline-docker}
pidfile=$dir/dockerd.pid
answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

start() {
  if answers; then echo "docker engine: one answers already"; return; fi
  if [ "$(id -u)" != 0 ]; then
    echo "No Docker engine answers, and only root can start one. Fix: start Docker, or run this as root." >&2
    return 1
  fi
  if ! command -v dockerd >/dev/null; then
    echo "docker engine: installing docker.io with apt"
    local log
    log=$(mktemp)
    if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker.io iptables; } >"$log" 2>&1; then
      tail -n 20 "$log" >&2
      return 1
    fi
    rm -f "$log"
    if answers; then echo "docker engine: started by its package"; return; fi
  fi
  mkdir -p "$dir"
  if [ -s "$pidfile" ] && ! kill -0 "$(cat "$pidfile")" 2>/dev/null; then rm -f "$pidfile"; fi
  setsid dockerd --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$pidfile" --host unix:///var/run/docker.sock \
    --ip 127.0.0.1 --log-level warn >"$dir/dockerd.log" 2>&1 </dev/null &
  local started=$!
  for _ in $(seq 300); do
    if answers; then echo "docker engine: started, pid $(cat "$pidfile")"; return; fi
    kill -0 "$started" 2>/dev/null || break
    sleep 0.2
  done
  echo "The Docker engine did not come up; the end of $dir/dockerd.log:" >&2
  tail -n 30 "$dir/dockerd.log" >&2
  return 1
}

# Ends only the process in our own pid file.
stop() {
  [ -s "$pidfile" ] || return 0
  local pid
  pid=$(cat "$pidfile")
  kill -TERM "$pid" 2>/dev/null || return 0
  for _ in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.2
  done
  kill -KILL "$pid"
}

case "${1:-}" in
  start) start ;;
  stop) stop ;;
  *) echo "usage: $0 start|stop" >&2; exit 2 ;;
esac
