"""Names of S3 buckets."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import StringConstraints

from floe_charts.helm.patterns import form

__all__ = ["BucketList", "is_bucket_name"]

# S3's rules for the names of general purpose buckets, less its reserved prefixes and suffixes.
_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}\Z")

BucketList = Annotated[
    str,
    StringConstraints(
        pattern=form(
            rf"^({_BUCKET}(,{_BUCKET})*)?$", "names of buckets with commas between them, such as lake,logs; or nothing"
        )
    ),
]
"""Names of buckets, separated by commas."""


def is_bucket_name(name: str) -> bool:
    """Whether S3 takes ``name`` for a bucket: 3 to 63 characters of a-z, 0-9, dot and dash, and not an IP address."""
    return bool(re.fullmatch(_BUCKET, name)) and ".." not in name and not _ADDRESS.match(name)
