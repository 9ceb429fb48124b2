"""A .tgz whose bytes depend on nothing but the names and contents of its files.

The files are stored, not compressed: what a compressor makes of the same input differs between versions and builds of
zlib (zlib-ng, which newer Pythons bring, or the processor's own instructions), and two machines that pack one chart
must not come to two digests. Stored blocks have one form only (RFC 1951, 3.2.4). A chart with all its dependencies
has 3 MB that way; Helm reads up to 100 MiB, Flux by default 10 MiB.
"""

from __future__ import annotations

import io
import struct
import tarfile
import zlib
from collections.abc import Mapping

__all__ = ["tgz"]

# RFC 1952: deflate, no flags, no time, no extra flags, operating system unknown.
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_MOST_STORED = 0xFFFF


def tgz(files: Mapping[str, bytes]) -> bytes:
    """The archive of ``files`` by path: sorted, of nobody, readable by all, from 1970."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content in sorted(files.items()):
            info = tarfile.TarInfo(path)  # mode 0644, no owner, time 0
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return _gzip(packed.getvalue())


def _gzip(content: bytes) -> bytes:
    pieces = [_GZIP_HEADER]
    for start in range(0, len(content), _MOST_STORED):
        block = content[start : start + _MOST_STORED]
        is_last = start + _MOST_STORED >= len(content)
        pieces += [struct.pack("<BHH", is_last, len(block), len(block) ^ 0xFFFF), block]
    pieces.append(struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF))
    return b"".join(pieces)
