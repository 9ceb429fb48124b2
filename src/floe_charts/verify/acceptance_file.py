"""The acceptance file as pydantic checks it; apart from what is done with it, so that importing that stays quick."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from floe_charts.deployment.fields import Settings, refusal
from floe_charts.errors import nearest, shorten
from floe_charts.verify.findings import CHECKS

__all__ = ["AcceptanceEntry", "AcceptanceFile", "ProvidedEntry"]


def _known_check(name: str) -> str:
    if name in CHECKS:
        return name
    near = nearest(name, CHECKS)
    hint = f"did you mean {near}" if near else f"known: {', '.join(CHECKS)}"
    raise refusal(f"there is no check {shorten(name)}", hint)


def _some_text(text: str) -> str:
    if not text.strip():
        raise refusal("found empty text", "expected some text")
    return text.strip()


def _nothing_is_empty(value: object) -> object:
    """``accept:`` with all its entries commented out is null."""
    return [] if value is None else value


_Text = Annotated[str, AfterValidator(_some_text)]
_OrNothing = BeforeValidator(_nothing_is_empty)


class AcceptanceEntry(Settings):
    """One finding that is accepted."""

    check: Annotated[str, AfterValidator(_known_check)] = Field(description="The check that found it.")
    rule: str = Field("", description="The rule within the check.")
    where: str = Field("", description="The file that the finding names.")
    object: str = Field("", description="The Kubernetes object, such as Deployment shop-web.")
    path: str = Field("", description="The place inside the object or the values.")
    reason: _Text = Field(description="why the finding is accepted.")

    @model_validator(mode="after")
    def _names_something(self) -> AcceptanceEntry:
        if not self.model_fields_set & {"rule", "where", "object", "path"}:
            raise refusal("names only a check", "expected at least one of rule, where, object, path")
        return self


class ProvidedEntry(Settings):
    """An object that exists outside the release."""

    kind: _Text = Field(description="The kind of the object, such as Secret.")
    name: _Text = Field(description="The object's name.")
    keys: Annotated[list[str], _OrNothing] = Field([], description="Keys of a Secret or ConfigMap.")


class AcceptanceFile(Settings):
    """The whole file."""

    accept: Annotated[list[AcceptanceEntry], _OrNothing] = Field([], description="The findings that are accepted.")
    provided: Annotated[list[ProvidedEntry], _OrNothing] = Field([], description="What exists outside the release.")
