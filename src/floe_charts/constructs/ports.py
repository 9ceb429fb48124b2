"""The port that an address names."""

from __future__ import annotations

import re

__all__ = ["port_of"]

_PORT = re.compile(r":([0-9]{1,5})(/.*)?\Z", re.DOTALL)
_DEFAULTS = {"http://": 80, "https://": 443}


def port_of(address: str) -> int | None:
    """The TCP port of a URL or of ``host:port``; None where none is to be seen, such as in ``${env:HOST}``."""
    found = _PORT.search(address)
    if found is not None:
        number = int(found[1])
        return number if 1 <= number <= 65535 else None
    return next((port for scheme, port in _DEFAULTS.items() if address.startswith(scheme)), None)
