"""How large a Helm release of a chart is: Helm keeps it in a Secret, which holds 1 MiB."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Iterable

__all__ = ["RELEASE_LIMIT", "release_size"]

RELEASE_LIMIT = 1024 * 1024
"""Most bytes of a Secret's data, and so of a release for Helm and Flux; Argo CD keeps none."""
_SAMPLE = 4_000_000
_LEVEL = 6


def release_size(files: Iterable[str], rendered: Iterable[str], rest: int = 0) -> int:
    """About how many bytes a release has of a chart with these files, of which Helm renders about ``rendered``.

    A release is JSON, gzipped, in base 64; the chart's files stand in it in base 64, objects as they are. ``rest`` is
    what all else takes, compressed. Of many texts only the first are compressed.
    """
    return (_packed(files, base64.b64encode) + _packed(rendered, bytes) + rest) * 4 // 3


def _packed(texts: Iterable[str], encoded: Callable[[bytes], bytes]) -> int:
    chosen: list[bytes] = []
    taken = total = 0
    for text in texts:
        total += len(text)
        if taken < _SAMPLE:
            chosen.append(encoded(text.encode()))
            taken += len(text)
    return len(zlib.compress(b"".join(chosen), _LEVEL)) * total // max(taken, 1)
