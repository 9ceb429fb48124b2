"""The bundled example is for a first look: it never takes the place of somebody's own data products."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.artifacts.loader import DEFAULT_PATH
from floe_charts.errors import InputError

__all__ = ["refuse_other_products"]

# As values.yaml is written: all that is indented below the key, and the keys of the products in it.
_PRODUCTS = re.compile(r"^products:\n((?: .*\n|\n)*)", re.MULTILINE)
_KEY = re.compile(r"^    ([a-z0-9-]+):$", re.MULTILINE)


def refuse_other_products(directory: Path, example: Sequence[CompiledArtifacts]) -> None:
    """Raise :class:`InputError` where the chart in ``directory`` was made of other data products than ``example``."""
    ours = {artifact.slug for artifact in example}
    others = [key for key in _products(directory / "values.yaml") if key not in ours]
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        raise InputError(
            str(directory),
            "products.byName",
            f"holds the data product {others[0]}{more}, and no artifact was named or found, expected "
            f"{DEFAULT_PATH.as_posix()}",
            "name them: --artifact PATH (the bundled example would take their place)",
        )


def _products(values: Path) -> list[str]:
    """The keys of the data products in a values.yaml; none where it cannot be read, or is none of ours."""
    try:
        found = _PRODUCTS.search(values.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return _KEY.findall(found[1]) if found else []
