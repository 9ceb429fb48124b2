"""What is wrong with artifacts, in words: unknown fields and pydantic's errors become lines that a user can act on.

A line names the dotted path, what was found and what was expected. Where a value may be a credential, what was found is
its type only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from ..documents import child_path, kind_of
from ..errors import ArtifactError, nearest, shorten
from .credentials import public_text

__all__ = ["Problem", "UnknownField", "as_error", "unknown_fields", "validation_problems"]

MAX_LINES = 5

_MISSING = "is missing, and required"
_MEANT = "did you mean "

# Under these a value may be a credential, also where it stands in the wrong place.
_CONFIDENTIAL = re.compile(
    r"plugins(\.\w+(\.config.*)?)?|dbt_profiles.*|observability\.telemetry\.authentication(\.(api_key|bearer_token).*)?"
)
_TYPES = {
    "string": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "dict": "an object",
    "model": "an object",
    "list": "a list",
    "datetime": 'a date and time such as "2026-01-15T12:00:00Z"',
}
_PATTERNS = {
    "product_name": "a name that begins with a letter and holds letters, digits, `-` and `_` only",
    "type": "a plugin's name of letters, digits, `_`, `.`, `+` and `-`",
    "version": "a version such as 1.2.3",
    "service_version": "a version such as 1.2.3",
    "log_level": "DEBUG, INFO, WARNING, ERROR or CRITICAL",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, what was found and expected, and what may have been meant."""

    path: str
    text: str
    hint: str = ""

    def __str__(self) -> str:
        """``path: text; hint``."""
        line = f"{self.path}: {self.text}" if self.path else self.text
        return f"{line}; {self.hint}" if self.hint else line


@dataclass(frozen=True, slots=True)
class UnknownField:
    """A field that the contract does not have: its path, its key, the path of what holds it, the fields that the
    contract has there, and those of them that are given.
    """

    path: str
    key: str
    parent: str
    siblings: tuple[str, ...]
    present: frozenset[str]

    @property
    def pattern(self) -> str:
        """The path with list indexes as ``[*]``: a field that all models have is one unknown field."""
        return re.sub(r"\[\d+\]", "[*]", self.path)

    def problem(self) -> Problem:
        """The field as something that is wrong."""
        meant = nearest(self.key, self.siblings) if len(self.key) < 100 else None
        if meant:
            return Problem(self.path, "is not a field of the contract", f"{_MEANT}{child_path(self.parent, meant)}?")
        return Problem(self.path, f"is not a field of the contract; expected {', '.join(self.siblings)}")


def unknown_fields(model: type[BaseModel], data: dict[str, Any], path: str = "") -> Iterator[UnknownField]:
    """Every key in ``data`` that ``model`` or the models inside it do not have. What is no object is passed over."""
    known = tuple(model.model_fields)
    present = frozenset(key for key in known if key in data)
    for key in data:
        if key not in model.model_fields:
            yield UnknownField(child_path(path, key), key, path, known, present)
    for field, inner in _models_inside(model).items():
        value, where = data.get(field), child_path(path, field)
        if isinstance(value, dict):
            yield from unknown_fields(inner, value, where)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, dict):
                    yield from unknown_fields(inner, item, child_path(where, index))


@cache
def _models_inside(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    inside = {name: _model_in(info.annotation) for name, info in model.model_fields.items()}
    return {name: inner for name, inner in inside.items() if inner is not None}


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def validation_problems(error: ValidationError) -> list[Problem]:
    """Pydantic's errors, in its order."""
    return [_problem(details) for details in error.errors(include_url=False)]


def _problem(details: Any) -> Problem:
    path = ""
    for part in details["loc"]:
        path = child_path(path, part)
    if details["type"] == "missing":
        return Problem(path, _MISSING)
    expected, hint = _expected(details)
    return Problem(path, f"found {_found(details['input'], path)}; expected {expected}", hint)


def _expected(details: Any) -> tuple[str, str]:
    """What the contract asks for, and what may have been meant."""
    kind, context, field = details["type"], details.get("ctx", {}), str(details["loc"][-1]) if details["loc"] else ""
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", context["expected"])
        value = details["input"]
        meant = nearest(value, choices) if isinstance(value, str) and len(value) < 100 else None
        return f"one of {', '.join(choices)}", f"{_MEANT}{meant}?" if meant else ""
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(field, f"text that matches {context['pattern']}"), ""
    for bound, words in (("gt", "more than"), ("ge", "at least"), ("le", "at most"), ("lt", "less than")):
        if bound in context:
            return f"a number of {words} {context[bound]}", ""
    if kind == "string_too_short":
        return "text that is not empty", ""
    if kind == "string_too_long":
        return f"at most {context['max_length']} characters", ""
    if kind == "too_short":
        return f"at least {context['min_length']} item", ""
    return _TYPES.get(kind.split("_")[0], details["msg"]), ""


def _found(value: object, path: str) -> str:
    """The value as a message may show it."""
    if value == []:
        return "an empty list"
    if isinstance(value, (dict, list)) or value is None or _CONFIDENTIAL.fullmatch(path):
        return kind_of(value)
    if isinstance(value, str):
        public = public_text(value, path)
        return shorten(public) if public == value else f"{kind_of(value)} that carries a credential"
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else shorten(value)


def as_error(source: str, problems: Iterable[Problem]) -> ArtifactError:
    """One error for all problems: those with a suggestion first, five in full, the others counted.

    A field that is missing because its name is misspelt is told once.
    """
    given = list(problems)
    meant = {problem.hint.removeprefix(_MEANT).rstrip("?") for problem in given}
    told = [problem for problem in given if not (problem.text == _MISSING and problem.path in meant)]
    told.sort(key=lambda problem: not problem.hint)
    if len(told) == 1:
        return ArtifactError(source, told[0].path, told[0].text, told[0].hint)
    lines = [f"  {problem}" for problem in told[:MAX_LINES]]
    if len(told) > MAX_LINES:
        lines.append(f"  and {len(told) - MAX_LINES} more")
    return ArtifactError(source, "", "\n".join([f"{len(told)} problems", *lines]))
