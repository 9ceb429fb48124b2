"""Reads a deployment file and says what is wrong with it in the words of the file.

Knows pydantic's errors, and nothing of what a deployment holds: the models hand themselves in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from floe_charts.errors import DeploymentError, nearest, shorten

__all__ = ["FILE_NAME", "Fault", "faulty", "find", "read", "validated"]

FILE_NAME = "floe-charts.yaml"
"""The deployment file's name in the working directory."""

_MOST_LINES = 20
_LONGEST_KEY = 60
_M = TypeVar("_M", bound=BaseModel)

_EXPECTED = {
    "bool_type": "expected true or false",
    "dict_type": "expected a mapping",
    "list_type": "expected a list",
    "model_type": "expected a mapping",
    "string_type": "expected text",
    "too_short": "expected at least one entry",
}


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: where in the file, what was found, what to do."""

    path: str
    problem: str
    hint: str = ""

    def as_error(self, source: str) -> DeploymentError:
        """The fault as an error of the file ``source``."""
        return DeploymentError(source, self.path, self.problem, self.hint)


def faulty(faults: list[Fault]) -> PydanticCustomError:
    """An error that carries several faults, for a validator that sees the whole."""
    message = "\n".join(str(fault.as_error("")) for fault in faults)
    return PydanticCustomError("faults", "{message}", {"message": message, "faults": faults})


def find(directory: str | Path) -> Path | None:
    """The deployment file in ``directory``, or None; DeploymentError for one under a name that is not read."""
    path = Path(directory) / FILE_NAME
    if path.exists() or path.is_symlink():
        return path
    misnamed = path.with_suffix(".yml")
    if misnamed.exists():
        raise DeploymentError(str(misnamed), "", "this name is not read", f"rename the file to {FILE_NAME}")
    return None


def read(path: str | Path) -> tuple[object, str]:
    """The tree in the file ``path`` and the name that errors give the file; raises DocumentError."""
    from floe_charts.documents import read_document  # Imports a YAML parser, which the default does not need.

    document = read_document(path)
    return document.data, document.source


def validated(model: type[_M], data: object, source: str) -> _M:
    """``data`` as ``model``; DeploymentError with one line for each fault.

    Keys are the file's (camelCase); ``$schema`` at the top is an editor's and is passed over.
    """
    if not isinstance(data, dict):
        expected = "expected a mapping with some of the keys " + ", ".join(model.model_fields)
        raise DeploymentError(source, "", f"found {_described(data)}", expected)
    settings = {key: value for key, value in data.items() if key != "$schema"}
    try:
        return model.model_validate(settings, by_alias=True, by_name=False)
    except ValidationError as error:
        faults = [fault for details in error.errors(include_url=False) for fault in _faults(model, details)]
    errors = [fault.as_error(source) for fault in faults]
    if len(errors) == 1:
        raise errors[0]
    lines = [str(error) for error in errors[:_MOST_LINES]]
    if len(errors) > _MOST_LINES:
        lines.append(f"and {len(errors) - _MOST_LINES} more faults")
    raise DeploymentError("", "", "\n".join(lines))


def _faults(model: type[BaseModel], details: ErrorDetails) -> list[Fault]:
    kind, context = details["type"], details.get("ctx", {})
    location = tuple(part for part in details["loc"] if part != "[key]")
    path = _dotted(location)
    if kind == "faults":
        return list(context["faults"])
    if kind == "default_factory_not_called":  # Follows from another fault, which is reported.
        return []
    if kind == "refused":
        return [Fault(path, context["problem"], context["hint"])]
    if kind == "extra_forbidden":
        return [Fault(path, "there is no such setting", _known(str(location[-1]), _model_at(model, location[:-1])))]
    if kind == "missing":
        return [Fault(path, "this setting is missing", _description(model, location))]
    if kind == "literal_error":
        return [Fault(path, f"found {_described(details['input'])}", _choices(details["input"], context["expected"]))]
    expected = _EXPECTED.get(kind, details["msg"])
    hint = f"{expected}; put it in quotes" if kind == "string_type" and _scalar(details["input"]) else expected
    return [Fault(path, f"found {_described(details['input'])}", hint)]


def _dotted(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            key = part if part.isprintable() and len(part) <= _LONGEST_KEY else shorten(part, _LONGEST_KEY)
            path += f".{key}" if path else key
    return path


def _model_at(model: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel]:
    """The model that describes the mapping at ``location``: fields by alias, entries of a dict by its value type."""
    current: Any = model
    for part in location:
        if isinstance(current, type) and issubclass(current, BaseModel):
            current = next(field.annotation for field in current.model_fields.values() if field.alias == part)
        else:
            current = get_args(current)[-1]
    assert isinstance(current, type)
    assert issubclass(current, BaseModel)
    return current


def _aliases(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _known(name: str, model: type[BaseModel]) -> str:
    aliases = _aliases(model)
    near = nearest(name, aliases)
    return f"did you mean {near}" if near else f"known: {', '.join(aliases)}"


def _description(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    fields = _model_at(model, location[:-1]).model_fields.values()
    return next(f"expected: {field.description}" for field in fields if field.alias == location[-1])


def _choices(found: object, expected: str) -> str:
    near = (
        nearest(found, expected.replace("'", "").replace(" or ", ", ").split(", ")) if isinstance(found, str) else None
    )
    return f"expected {expected}; did you mean {near}" if near else f"expected {expected}"


def _scalar(found: object) -> bool:
    return isinstance(found, bool | int | float)


def _described(found: object) -> str:
    """What was found, in the words of YAML."""
    if found is None:
        return "nothing (null)"
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, int) and found.bit_length() > 64:  # Python refuses to print very long numbers.
        return "a very large number"
    if isinstance(found, int | float):
        return f"the number {found}"
    if isinstance(found, Mapping):
        return "a mapping" if found else "an empty mapping"
    if isinstance(found, list):
        return "a list" if found else "an empty list"
    return shorten(found)
