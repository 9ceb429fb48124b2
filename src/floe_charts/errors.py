"""Every error that floe-charts raises on purpose, in one tree.

A user's mistake is an :class:`InputError`: it ends the command with exit code 2 and a message of one or a few lines
that names the file, the path inside it, what was found, what was expected, and a near match for a misspelling. A check
that failed is a :class:`CheckFailed`, exit code 1. Anything that is not in this tree is a bug and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "ArtifactError",
    "CheckFailed",
    "DeclarationError",
    "DeploymentError",
    "DocumentError",
    "FloeChartsError",
    "HelmError",
    "InputError",
    "PluginError",
    "PublishError",
    "RegistryError",
    "ValuesError",
    "WriteError",
    "nearest",
    "shorten",
]


class FloeChartsError(Exception):
    """Base of all errors raised on purpose; ``exit_code`` is what a command ends with."""

    exit_code = 2


class InputError(FloeChartsError):
    """Something that a user handed in is wrong.

    ``source`` is the file or option, ``path`` the place inside it (dotted, may be empty), ``problem`` what was found
    and what was expected, ``hint`` what to do about it, such as the nearest name that exists.
    """

    def __init__(self, source: str, path: str, problem: str, hint: str = "") -> None:
        """Keep the four parts and make the message ``source: path: problem; hint``."""
        self.source = source
        self.path = path
        self.problem = problem
        self.hint = hint
        where = f"{source}: {path}" if source and path else source or path
        message = f"{where}: {problem}" if where else problem
        super().__init__(f"{message}; {hint}" if hint else message)


class DocumentError(InputError):
    """A file cannot be read as JSON or YAML: missing, truncated, binary, too large, too deep."""


class ArtifactError(InputError):
    """CompiledArtifacts that do not follow the contract, or that contradict each other."""


class DeploymentError(InputError):
    """The deployment file (``floe-charts.yaml``) or an environment's name is wrong."""


class ValuesError(InputError):
    """An override (``--values``, ``--set``, an environment's values) does not fit the declared values."""


class PluginError(InputError):
    """An installed floe plugin could not say its Helm values."""


class WriteError(InputError):
    """The chart directory cannot be written, or holds what must not be overwritten."""


class PublishError(InputError):
    """A chart cannot be packaged or published: something is missing in it, or its version is taken."""


class RegistryError(InputError):
    """An OCI registry could not be reached, or refused what was asked of it; ``source`` is the reference.

    ``passing`` says that the same request may succeed a moment later, ``retry_after`` for how many seconds the registry
    asked to be left alone.
    """

    def __init__(
        self, source: str, problem: str, hint: str = "", *, passing: bool = False, retry_after: float = 0.0
    ) -> None:
        """Keep the parts; there is no place inside a reference, so ``path`` is empty."""
        super().__init__(source, "", problem, hint)
        self.passing = passing
        self.retry_after = retry_after


class HelmError(FloeChartsError):
    """Helm is not installed, or refused a chart or its values."""


class DeclarationError(FloeChartsError):
    """A construct contradicts itself: a value that nothing reads, a reference to nothing, an invalid manifest."""


class CheckFailed(FloeChartsError):
    """A check ran and found differences or faults."""

    exit_code = 1


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate most like ``name``, or None where none is near.

    >>> nearest("replcas", ["replicas", "image"])
    'replicas'
    """
    known = list(candidates)
    folded: dict[str, str] = {}
    for candidate in known:
        folded.setdefault(_fold(candidate), candidate)
    if _fold(name) in folded:
        return folded[_fold(name)]
    matches = difflib.get_close_matches(_fold(name), folded, n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None


def _fold(name: str) -> str:
    """Letters and digits in lower case: ``dagster-webserver`` and ``dagsterWebserver`` are the same misspelling."""
    return "".join(char for char in name.lower() if char.isalnum() or char == ".")


def shorten(value: object, limit: int = 60) -> str:
    """``repr`` of a found value, cut to ``limit`` characters, for error messages."""
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
