"""The bundled example is for a first look: it never takes the place of somebody's own data products."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from floe_charts.artifacts import CompiledArtifacts
from floe_charts.errors import InputError

__all__ = ["refuse_other_products"]

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def refuse_other_products(directory: Path, example: Sequence[CompiledArtifacts]) -> None:
    """Raise :class:`InputError` where the chart in ``directory`` was made of other data products than ``example``."""
    ours = {artifact.product_name for artifact in example}
    others = [name for name in _products(directory / "values.yaml") if name not in ours]
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        raise InputError(
            str(directory),
            "products.byName",
            f"holds the data product {others[0]}{more}, and no artifact was named or found, expected "
            "target/compiled_artifacts.json",
            "name them: --artifact PATH (the bundled example would take their place)",
        )


def _products(values: Path) -> Iterator[str]:
    """The names of the data products in a values.yaml; none where it cannot be read, or is none of ours."""
    try:
        tree = yaml.load(values.read_bytes(), Loader=_Loader)
    except (OSError, yaml.YAMLError, ValueError):
        return
    for key in ("products", "byName"):
        tree = tree.get(key) if isinstance(tree, dict) else None
    for one in tree.values() if isinstance(tree, dict) else ():
        if isinstance(one, dict) and isinstance(one.get("name"), str):
            yield one["name"]
