"""The files of Marquez's ConfigMap: its configuration, and two scripts around its start."""

from __future__ import annotations

__all__ = ["CONFIG_FILE", "FILES", "START_FILE", "WAIT_FILE"]

CONFIG_FILE = "marquez.yml"
START_FILE = "start.sh"
WAIT_FILE = "wait-for-database.sh"

# Without a file of one's own Marquez takes the one in its image, where the database, user and password are fixed.
# ${...} is Dropwizard's: replaced by environment variables, as text, before the YAML is read.
_CONFIG = """\
server:
  applicationConnectors:
    - type: http
      port: ${MARQUEZ_PORT}
      httpCompliance: RFC7230_LEGACY
  adminConnectors:
    - type: http
      port: ${MARQUEZ_ADMIN_PORT}
db:
  driverClass: org.postgresql.Driver
  url: jdbc:postgresql://${POSTGRES_HOST}:${POSTGRES_PORT}/${POSTGRES_DB}?${POSTGRES_PARAMETERS}
  # Escaped by start.sh.
  user: "${POSTGRES_USER}"
  password: "${POSTGRES_PASSWORD}"
  # Dropwizard's own pool opens 10 at once and goes up to 100 for each pod, half of what PostgreSQL takes in all.
  initialSize: 1
  minSize: 1
  maxSize: ${POSTGRES_MAX_CONNECTIONS}
migrateOnStartup: ${MIGRATE_ON_STARTUP}
graphql:
  enabled: true
logging:
  level: ${LOG_LEVEL}
  appenders:
    - type: console
"""

_START = r"""#!/bin/bash
# Escapes user and password for the inside of a double-quoted YAML scalar, so that any of them works;
# a dollar sign too, which would begin one more variable. Then runs its arguments.
set -euo pipefail

escaped() {
  local LC_ALL=C text="$1" out="" char code i
  for ((i = 0; i < ${#text}; i++)); do
    char="${text:i:1}"
    case "$char" in
      [[:alnum:]]) out+="$char" ;;
      [[:punct:][:space:][:cntrl:]])
        printf -v code '%02X' "'$char"
        out+="\\x$code"
        ;;
      *) out+="$char" ;; # a byte of a character beyond ASCII
    esac
  done
  printf '%s' "$out"
}

POSTGRES_USER="$(escaped "$POSTGRES_USER")"
POSTGRES_PASSWORD="$(escaped "$POSTGRES_PASSWORD")"
export POSTGRES_USER POSTGRES_PASSWORD
exec "$@"
"""

_WAIT = r"""#!/bin/sh
# Waits until PostgreSQL answers, and then until it lets this role into this database.
set -u
trap 'exit 143' INT TERM
until pg_isready --quiet --timeout=5; do
  echo "Waiting for PostgreSQL at $PGHOST:$PGPORT."
  sleep 3
done
until psql --no-psqlrc --quiet --tuples-only --output=/dev/null --command='SELECT 1'; do
  echo "Waiting for the database $PGDATABASE."
  sleep 3
done
"""

FILES = {CONFIG_FILE: _CONFIG, START_FILE: _START, WAIT_FILE: _WAIT}
"""File name to text."""
