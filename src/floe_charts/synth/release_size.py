"""How large a Helm release of a chart with many files is: Helm keeps it in a Secret, which holds 1 MiB."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping

__all__ = ["RELEASE_LIMIT", "release_size"]

RELEASE_LIMIT = 1024 * 1024
"""Most bytes of a Secret's data, and so of a release for Helm and Flux; Argo CD keeps none."""
_SAMPLE = 4_000_000
_LEVEL = 6


def release_size(texts: Mapping[str, str], rest: int) -> int:
    """About how many bytes a release has of a chart whose files ``texts`` become ConfigMaps as they are.

    A release is JSON, gzipped, in base 64. Each text stands in it twice: as a file of the chart, in base 64, and in
    what was rendered. ``rest`` is what all else takes. Of many texts only the first are compressed.
    """
    total = sum(map(len, texts.values()))
    chosen: list[bytes] = []
    taken = 0
    for text in texts.values():
        if taken >= _SAMPLE:
            break
        chosen.append(text.encode())
        taken += len(text)
    as_files = zlib.compress(b"".join(map(base64.b64encode, chosen)), _LEVEL)
    as_objects = zlib.compress(b"".join(chosen), _LEVEL)
    packed = (len(as_files) + len(as_objects)) * total // max(taken, 1)
    return (packed + rest) * 4 // 3
