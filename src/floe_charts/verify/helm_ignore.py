"""Which files of a chart directory Helm leaves out: ``.helmignore``, as Helm reads it.

The rules look like those of ``.gitignore`` and are others: a pattern is one of Go's ``filepath.Match`` (``*`` stops at
a slash, there is no ``**``), the first rule that matches decides, and a rule with ``!`` ignores everything that it
does *not* match. (Helm's documentation, "The .helmignore file", and the behaviour of Helm 4.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from floe_charts.errors import HelmError

__all__ = ["IgnoreRules", "path_pattern"]

_ALWAYS = "templates/.?*"


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    only_directories: bool
    negated: bool
    anchored: bool

    def matches(self, path: str) -> bool:
        return self.pattern.fullmatch(path if self.anchored else path.rpartition("/")[2]) is not None


class IgnoreRules:
    """The rules of one ``.helmignore``."""

    def __init__(self, text: str = "") -> None:
        """Read the file's text; raise HelmError where Helm would refuse it."""
        lines = [line.strip() for line in text.removeprefix("\ufeff").split("\n")]
        self._rules = [_rule(line) for line in [*lines, _ALWAYS] if line and not line.startswith("#")]

    def ignores(self, path: str, *, directory: bool = False) -> bool:
        """Whether Helm leaves out the file, or the whole directory, at ``path`` inside the chart."""
        for rule in self._rules:
            excluded = rule.only_directories and not directory
            if rule.negated:
                if excluded or not rule.matches(path):
                    return True
            elif not excluded and rule.matches(path):
                return True
        return False


def _rule(line: str) -> _Rule:
    if "**" in line:
        raise HelmError(f".helmignore: {line}: Helm does not know double stars (**)")
    negated = line.startswith("!")
    body = line.removeprefix("!")
    only_directories = body.endswith("/")
    body = body.removesuffix("/")
    try:
        pattern = path_pattern(body.removeprefix("/"))
    except ValueError as error:
        raise HelmError(f".helmignore: {line}: {error}") from None
    return _Rule(pattern, only_directories, negated, "/" in body)


def path_pattern(pattern: str) -> re.Pattern[str]:
    """A pattern of Go's ``filepath.Match``, for the whole of a path; raise ValueError where it is none."""
    parts: list[str] = []
    place = 0
    while place < len(pattern):
        char = pattern[place]
        place += 1
        if char == "*":
            parts.append("[^/]*")
        elif char == "?":
            parts.append("[^/]")
        elif char == "[":
            part, place = _character_class(pattern, place)
            parts.append(part)
        elif char == "\\" and place < len(pattern):
            parts.append(re.escape(pattern[place]))
            place += 1
        else:
            parts.append(re.escape(char))
    try:
        return re.compile("".join(parts), re.DOTALL)
    except re.error:
        raise ValueError("this is no pattern that Helm understands") from None


def _character_class(pattern: str, place: int) -> tuple[str, int]:
    """The class that begins after the bracket before ``place``, and the place after it."""
    match = re.compile(r"(\^?)((?:\\.|[^\]\\])+)\]", re.DOTALL).match(pattern, place)
    if match is None:
        raise ValueError("the bracket is never closed")
    inside = re.sub(r"(?<!\\)([\[^&|~])", r"\\\1", match[2])
    return f"[{match[1]}{inside}]", match.end()
