r"""The script that prepares the data directory before the server of mode statefulset starts.

PostgreSQL's image runs its own initialisation scripts only on an empty volume, and leaves a half-made directory behind
when one fails. This script runs before every start and is idempotent: the chart regenerated with one more consumer, or
a changed password, takes effect when the pod restarts.

The SQL gets names and passwords as psql variables out of the environment (``\getenv``, psql 14), which psql and
``format`` quote: any password works, and none shows in a process's arguments or in the server's log.
"""

from __future__ import annotations

from collections.abc import Sequence

from floe_charts.constructs.postgres.database import DatabaseConsumer

__all__ = ["HBA", "HBA_FILE", "SCRIPT_FILE", "consumer_calls", "prepare_script"]

SCRIPT_FILE = "prepare.sh"
HBA_FILE = "pg_hba.conf"
HBA = """\
# The socket is reached from inside the pod only.
local all all trust
host all all all scram-sha-256
"""

_HEAD = r"""#!/bin/sh
# Makes the data directory, the roles and the databases, over a server that listens on its socket only.
# Runs before every start of PostgreSQL; what is there already stays.
set -eu
umask 077
config="$(dirname "$0")"
export PGUSER=postgres PGDATABASE=postgres PGCLIENTENCODING=UTF8
# A statement that fails must not put its password into the log.
export PGOPTIONS='-c log_statement=none -c log_min_error_statement=panic -c log_min_duration_statement=-1'

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  # Made beside its place and moved as a whole: a kill at any moment leaves nothing half made.
  rm -rf "$PGDATA.new"
  initdb --pgdata="$PGDATA.new" --username=postgres --auth-local=trust --auth-host=reject \
    --encoding=UTF8 --locale=C.UTF-8 --data-checksums --no-instructions
  mv "$PGDATA.new" "$PGDATA"
fi

trap 'exit 143' INT TERM
trap 'pg_ctl stop --pgdata="$PGDATA" --mode=fast --wait --silent' EXIT
# After a crash the server replays its log first, which may take long.
pg_ctl start --pgdata="$PGDATA" --wait --timeout=3600 --silent \
  --options="-c listen_addresses= -c unix_socket_directories=$PGHOST -c port=$PGPORT -c hba_file=$config/@HBA_FILE@"

sql() {
  psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --set=VERBOSITY=terse
}

# consumer ROLE DATABASE USERNAME PASSWORD
consumer() {
  if [ "$3" != "$1" ]; then
    echo "The key username in the Secret of the role $1 must hold $1." >&2
    exit 1
  fi
  if [ -z "$4" ]; then
    echo "The key password in the Secret of the role $1 is empty." >&2
    exit 1
  fi
  ROLE="$1" DATABASE="$2" ROLE_PASSWORD="$4" sql <<'SQL'
\getenv role ROLE
\getenv database DATABASE
\getenv password ROLE_PASSWORD
SELECT format('CREATE ROLE %I', :'role') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', :'role', :'password') \gexec
SELECT format('CREATE DATABASE %I', :'database')
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
SELECT format('ALTER DATABASE %I OWNER TO %I', :'database', :'role') \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'database') \gexec
SQL
  echo "Role $1 and database $2 are ready."
}

SUPERUSER_PASSWORD="${SUPERUSER_PASSWORD-}" sql <<'SQL'
\getenv password SUPERUSER_PASSWORD
SELECT format('ALTER ROLE postgres PASSWORD %L', nullif(:'password', '')) \gexec
SQL
""".replace("@HBA_FILE@", HBA_FILE)


def prepare_script(consumers: Sequence[DatabaseConsumer]) -> str:
    """The script for the given consumers; their credentials are in the environment under ``env_prefix``."""
    return _HEAD + consumer_calls(consumers)


def consumer_calls(consumers: Sequence[DatabaseConsumer]) -> str:
    """A line for each consumer: ``consumer ROLE DATABASE USERNAME PASSWORD``, where it is switched on."""
    return "".join(f"{_call(consumer)}\n" for consumer in consumers)


def _call(consumer: DatabaseConsumer) -> str:
    user, password = f"{consumer.env_prefix}_USERNAME", f"{consumer.env_prefix}_PASSWORD"
    call = f'consumer {consumer.role} {consumer.database} "${user}" "${password}"'
    return call if consumer.enabled is None else f'[ -z "${{{user}+set}}" ] || {call}'
