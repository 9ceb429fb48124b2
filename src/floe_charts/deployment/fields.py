"""The kinds of text that a deployment file holds, each checked once and described for JSON Schema.

A refused value raises ``PydanticCustomError`` with a whole sentence: what was found, what is expected.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from floe_charts.errors import shorten

__all__ = [
    "NAMESPACE_LENGTH",
    "NAME_LENGTH",
    "SHORT_NAME_LENGTH",
    "CpuQuantity",
    "FullName",
    "KubeContext",
    "MemoryQuantity",
    "Name",
    "NamespaceTemplate",
    "OwnVersion",
    "PrintableText",
    "Repository",
    "SemanticVersion",
    "Settings",
    "ShortName",
    "cores",
    "dns_label",
    "is_version",
    "memory_bytes",
    "refusal",
]

NAME_LENGTH = 40
"""Longest name of an environment, cluster, preset or chart: suffixes such as ``-webserver`` must fit into 63."""

SHORT_NAME_LENGTH = 20
"""Longest name of the chart of jobs, with which the names of CronJobs begin: Kubernetes takes 52 characters."""

NAMESPACE_LENGTH = 63
"""Longest namespace: Kubernetes takes a DNS label of RFC 1123."""

_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_LETTER_FIRST = r"[a-z]([a-z0-9-]*[a-z0-9])?"
_NAMESPACE = r"([a-z0-9-]|\{env\})+"
_CPU = r"([0-9]{1,9}m|[0-9]{1,9}(\.[0-9]{1,3})?)"
_MEMORY = r"[0-9]{1,18}(\.[0-9]{1,9})?([kMGTPE]|[KMGTPE]i|[eE]\+?[0-9]{1,2})?"
# From semver.org, with named groups taken out.
_IDENTIFIER = r"(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
_CORE = r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
_SEMVER = rf"{_CORE}(-{_IDENTIFIER}(\.{_IDENTIFIER})*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?"
_HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?"
_PATH = r"[A-Za-z0-9._~%/+-]"
_REPOSITORY = rf"((https|oci)://{_HOST}(/{_PATH}*)?|file://{_PATH}+|@[A-Za-z0-9][A-Za-z0-9._-]*)"

_FACTORS = {"k": 1000, "M": 1000**2, "G": 1000**3, "T": 1000**4, "P": 1000**5, "E": 1000**6}
_FACTORS |= {f"{unit.upper()}i": 1024 ** (power + 1) for power, unit in enumerate("kMGTPE")}


class Settings(BaseModel):
    """Base of the deployment's models: closed, immutable, camelCase in the file and snake_case in Python."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        strict=True,
        validate_by_alias=True,
        validate_by_name=True,
    )


def refusal(problem: str, hint: str = "") -> PydanticCustomError:
    """An error whose text stands as it is: braces of a found value are not placeholders."""
    message = f"{problem}; {hint}" if hint else problem
    return PydanticCustomError("refused", "{message}", {"message": message, "problem": problem, "hint": hint})


def dns_label(text: str, length: int = NAME_LENGTH) -> bool:
    """Whether ``text`` is a DNS label (RFC 1123) of at most ``length`` characters."""
    return len(text) <= length and re.fullmatch(_LABEL, text) is not None


def cores(quantity: str) -> Decimal:
    """The number of cores that a checked CPU quantity stands for: ``"250m"`` is 0.25."""
    return Decimal(quantity[:-1]) / 1000 if quantity.endswith("m") else Decimal(quantity)


def memory_bytes(quantity: str) -> Decimal:
    """The number of bytes that a checked memory quantity stands for: ``"1Ki"`` is 1024."""
    digits = quantity.rstrip("kKMGTPEi")
    return Decimal(digits) * _FACTORS.get(quantity[len(digits) :], 1)


def amount(quantity: str) -> Decimal:
    """The number of cores or bytes that any checked quantity stands for."""
    return cores(quantity) if quantity.endswith("m") else memory_bytes(quantity)


def _name(found: str, length: int = NAME_LENGTH) -> str:
    if not dns_label(found, length):
        raise refusal(
            f"{shorten(found)} cannot be a name",
            f"expected at most {length} lower-case letters, digits and '-', with a letter or digit at both ends",
        )
    return found


def _full_name(found: str, length: int = NAME_LENGTH) -> str:
    if not _name(found, length)[0].isalpha():
        raise refusal(f"{shorten(found)} cannot begin names of objects", "expected a letter first, as Services want it")
    return found


def _short_name(found: str) -> str:
    return _full_name(found, SHORT_NAME_LENGTH)


def _namespace(found: str) -> str:
    if re.fullmatch(_NAMESPACE, found) is None:
        raise refusal(
            f"{shorten(found)} cannot be a namespace template",
            "expected lower-case letters, digits, '-' and {env}, such as floe-{env}",
        )
    return found


def is_version(text: str) -> bool:
    """Whether ``text`` is one semantic version; charts of others may write a ``v`` before it."""
    return re.fullmatch(_SEMVER, text.removeprefix("v")) is not None


def _version(found: str) -> str:
    if not is_version(found):
        raise refusal(f"{shorten(found)} is not a version", "expected one exact semantic version, such as 1.4.2")
    return found


def _own_version(found: str) -> str:
    if _version(found).startswith("v"):
        raise refusal(f"{shorten(found)} begins with a v, which Helm's strict lint refuses", f"expected {found[1:]}")
    return found


def _repository(found: str) -> str:
    if re.fullmatch(_REPOSITORY, found) is not None:
        return found
    expected = "expected https://HOST/PATH, oci://HOST/PATH, file://PATH or @ALIAS"
    if "@" in found[1:]:  # Nothing of it is shown: what stands before the @ is a password.
        raise refusal("a repository must not carry a user or password", "log in with `helm registry login` instead")
    if "?" in found or "#" in found:
        raise refusal("a repository must not carry a query or fragment", expected)
    if found.startswith("http://"):
        raise refusal(f"{shorten(found)} is not encrypted", expected)
    raise refusal(f"{shorten(found)} is not a chart repository", expected)


def _text(found: str) -> str:
    if not found.strip() or not found.isprintable():
        raise refusal(f"found {shorten(found)}", "expected one line of text")
    return found


def _context(found: str) -> str:
    if not found or found.startswith("-") or " " in found or not found.isprintable():
        raise refusal(f"{shorten(found)} is not a kubeconfig context", "expected a name without spaces")
    return found


def _number_as_text(found: object) -> object:
    """``cpu: 2`` and ``cpu: 0.5`` are numbers in YAML, and good quantities."""
    numeric = isinstance(found, float) or (isinstance(found, int) and found.bit_length() <= 64)
    return str(found).lower() if numeric else found


def _cpu(found: str) -> str:
    if re.fullmatch(_CPU, found) is None or not cores(found):
        raise refusal(
            f"{shorten(found)} is not an amount of CPU", "expected cores or millicores, such as 2, 0.5 or 500m"
        )
    return found


def _memory(found: str) -> str:
    if re.fullmatch(r"[0-9]+m", found) is not None:
        raise refusal(
            f"{shorten(found)} of memory is {found[:-1]} thousandths of a byte", f"did you mean {found[:-1]}Mi"
        )
    if re.fullmatch(_MEMORY, found) is None or not memory_bytes(found):
        raise refusal(f"{shorten(found)} is not an amount of memory", "expected bytes, such as 512Mi or 2Gi")
    return found


def _schema(pattern: str, **more: object) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$", **more})


def _quantity(pattern: str, check: Callable[[str], str]) -> tuple[BeforeValidator, AfterValidator, WithJsonSchema]:
    schema = {"anyOf": [{"type": "string", "pattern": f"^{pattern}$"}, {"type": "number", "exclusiveMinimum": 0}]}
    return BeforeValidator(_number_as_text), AfterValidator(check), WithJsonSchema(schema)


Name = Annotated[str, AfterValidator(_name), _schema(_LABEL, maxLength=NAME_LENGTH)]
FullName = Annotated[str, AfterValidator(_full_name), _schema(_LETTER_FIRST, maxLength=NAME_LENGTH)]
ShortName = Annotated[str, AfterValidator(_short_name), _schema(_LETTER_FIRST, maxLength=SHORT_NAME_LENGTH)]
NamespaceTemplate = Annotated[str, AfterValidator(_namespace), _schema(_NAMESPACE)]
OwnVersion = Annotated[str, AfterValidator(_own_version), _schema(_SEMVER)]
SemanticVersion = Annotated[str, AfterValidator(_version), _schema(f"v?{_SEMVER}")]
Repository = Annotated[str, AfterValidator(_repository), _schema(_REPOSITORY)]
PrintableText = Annotated[str, AfterValidator(_text), _schema(r"[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*")]
KubeContext = Annotated[str, AfterValidator(_context), _schema(r"[^\s\x00-\x1f\x7f-][^\s\x00-\x1f\x7f]*")]
CpuQuantity = Annotated[str, *_quantity(_CPU, _cpu)]
MemoryQuantity = Annotated[str, *_quantity(_MEMORY, _memory)]
