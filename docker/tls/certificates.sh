#!/bin/sh
# certificates.sh: what compose.tls.yaml needs. The accounts of Redis follow from the passwords each time; a certificate authority, and a
# certificate for Redis and for each side, are made once and again a week before they expire. The key of the authority is not kept.
# Each folder is a volume that only the services of that side mount.
set -eu

hash_of() { printf %s "$1" | sha256sum | cut -d ' ' -f 1; }
umask 077
sed -e "s/#{shardline-run}/#$(hash_of "$COORDINATOR_PASSWORD")/" -e "s/#{shardline-agent}/#$(hash_of "$AGENT_PASSWORD")/" \
  /opt/tls/users.acl >/server/users.acl

is_good() { openssl x509 -checkend 604800 -noout -in "$1/tls.crt" >/dev/null 2>&1; }
if is_good /server && is_good /coordinator && is_good /agent; then exit 0; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
new_key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }
new_key "$work/ca.key"
openssl req -x509 -key "$work/ca.key" -days 365 -subj "/CN=shardline compose" -out "$work/ca.crt"
# issue FOLDER SUBJECT USAGE
issue() {
  new_key "$work/tls.key"
  printf 'subjectAltName=DNS:%s\nextendedKeyUsage=%s\n' "$2" "$3" >"$work/extensions"
  openssl req -new -key "$work/tls.key" -subj "/CN=$2" |
    openssl x509 -req -CA "$work/ca.crt" -CAkey "$work/ca.key" -CAcreateserial -days 365 -extfile "$work/extensions" -out "$work/tls.crt" 2>/dev/null
  cp "$work/ca.crt" "$work/tls.key" "$work/tls.crt" "$1"
}
# The health check of Redis uses its certificate too.
issue /server redis serverAuth,clientAuth
for side in coordinator agent; do
  issue "/$side" "$side" clientAuth
  # Another user runs that side.
  chmod 644 "/$side"/*
done
