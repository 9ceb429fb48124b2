"""Unified diffs of whole files, as git writes them, without times."""

from __future__ import annotations

import difflib

__all__ = ["unified"]

_NO_NEWLINE = "\n\\ No newline at end of file\n"


def unified(path: str, old: bytes | None, new: str | None) -> str:
    """The diff of the file at ``path`` from ``old`` to ``new``; None is a file that is not there.

    >>> print(unified("x", None, "a: 1\\n"), end="")
    --- /dev/null
    +++ b/x
    @@ -0,0 +1 @@
    +a: 1
    """
    before = "/dev/null" if old is None else f"a/{path}"
    after = "/dev/null" if new is None else f"b/{path}"
    text = _decoded(old)
    if text is None:
        return f"Binary files {before} and {after} differ\n"
    lines = list(difflib.unified_diff(_lines(text), _lines(new or ""), before, after))
    if not lines:  # One side is missing, the other is empty.
        return f"--- {before}\n+++ {after}\n"
    return "".join(line if line.endswith("\n") else f"{line}{_NO_NEWLINE}" for line in lines)


def _decoded(content: bytes | None) -> str | None:
    try:
        text = (content or b"").decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _lines(text: str) -> list[str]:
    """Lines with their ends; only LF ends a line, unlike in ``str.splitlines``."""
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines
