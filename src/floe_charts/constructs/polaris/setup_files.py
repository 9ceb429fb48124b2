"""The files of Polaris' setup: a shell script that bootstraps, and the program that makes catalogs and principals."""

from __future__ import annotations

import inspect

from floe_charts.constructs.polaris import setup_program

__all__ = ["BOOTSTRAP_FILE", "FILES", "PROGRAM_FILE", "WANTED_FILE"]

BOOTSTRAP_FILE = "bootstrap.sh"
PROGRAM_FILE = "setup.py"
WANTED_FILE = "wanted.json"

# The image's start script logs its arguments, so that credentials are no arguments of it.
_BOOTSTRAP = r"""#!/bin/bash
# Bootstraps the realms in POLARIS_REALMS, each with the credentials of the root principal in ROOT_CLIENT_ID and
# ROOT_CLIENT_SECRET. A realm that is bootstrapped already stays as it is.
set -euo pipefail
umask 077
credentials="${CREDENTIALS_FILE:-/tmp/credentials.json}"

# A text as JSON, which the admin tool reads as YAML.
quoted() {
  local LC_ALL=C text="$1" out="" char code i
  for ((i = 0; i < ${#text}; i++)); do
    char="${text:i:1}"
    case "$char" in
      [\"\\] | [[:cntrl:]])
        printf -v code '\\u%04x' "'$char"
        out+="$code"
        ;;
      *) out+="$char" ;;
    esac
  done
  printf '"%s"' "$out"
}

root="{\"client-id\": $(quoted "$ROOT_CLIENT_ID"), \"client-secret\": $(quoted "$ROOT_CLIENT_SECRET")}"
entries=""
for realm in ${POLARIS_REALMS//,/ }; do
  entries+="${entries:+, }$(quoted "$realm"): $root"
done
printf '{%s}\n' "$entries" >"$credentials"
exec "${RUN_JAVA:-/opt/jboss/container/java/run/run-java.sh}" bootstrap --credentials-file="$credentials"
"""

FILES = {BOOTSTRAP_FILE: _BOOTSTRAP, PROGRAM_FILE: inspect.getsource(setup_program)}
"""File name to text."""
