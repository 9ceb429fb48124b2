"""The values that a chart of jobs takes, beyond what its schema can say.

Of a product only those jobs that its artifact resolves, and its own; of time zones those that there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from floe_charts.constructs.jobs.plan import ProductPlan
from floe_charts.constructs.unanswered import listed
from floe_charts.errors import nearest
from floe_charts.helm.checking import DeclaredValues, Fault
from floe_charts.helm.nodes import path_text
from floe_charts.helm.schema import SchemaRequest
from floe_charts.helm.time_zones import is_time_zone, nearest_time_zone
from floe_charts.helm.wording import found_text

__all__ = ["DeclaredJobs"]

_SOURCES = {"dbt": "dbt_profiles", "ingestion": "plugins.ingestion"}
"""The kinds of jobs that artifacts resolve, with what resolves them there."""


class DeclaredJobs(DeclaredValues):
    """What a chart of jobs declares.

    Its schema has one entry for all products, so that this alone knows which jobs a product has.
    """

    def __init__(
        self, request: SchemaRequest, part: str, products: Sequence[ProductPlan], names: Mapping[str, str]
    ) -> None:
        """``part`` is the key of the values of jobs, ``products`` are the chart's.

        ``names`` are the names of the products of all charts of jobs, by their keys.
        """
        super().__init__(request)
        self._part = part
        self._products = {product.key: product for product in products}
        self._names = names

    def faults(self, values: Mapping[str, Any]) -> list[Fault]:
        """A fault also for a time zone that there is not."""
        found, path = super().faults(values), (self._part, "timeZone")
        zone = _map(values.get(self._part)).get("timeZone")
        if not isinstance(zone, str) or is_time_zone(zone):
            return found
        said = f"takes a time zone of the IANA database, such as Europe/Vienna, found {found_text(zone)}"
        fault = Fault(path_text(path), said, nearest_time_zone(zone), path)
        return [fault, *(one for one in found if one.keys != path)]

    def unknown(self, tree: Mapping[str, Any]) -> Iterator[Fault]:
        """A fault also for a product that there is not, and for a job that a product's artifact does not resolve."""
        yield from super().unknown(tree)
        yield from self._unknown_products(tree)
        for key, given in _map(_map(tree.get(self._part)).get("products")).items():
            product = self._products.get(key)
            for kind, source in _SOURCES.items():
                found = _map(given).get(kind)
                if product is None or found is None or getattr(product.values, kind) is not None:
                    continue
                path = (self._part, "products", key)
                yield Fault(
                    ".".join((*path, kind)),
                    f"is no job of the product: found {_listed(found)}, expected {source} in "
                    f"{product.source or 'its artifact'}; a job of your own goes under {'.'.join((*path, 'custom'))}",
                    keys=(*path, kind),
                )

    def _unknown_products(self, tree: Mapping[str, Any]) -> Iterator[Fault]:
        for key in map(str, _map(_map(tree.get(self._part)).get("products"))):
            if key in self._names:
                continue
            # People know the name; the key of a long one is shortened.
            spellings = {spelling: known for known, name in self._names.items() for spelling in (name, known)}
            near = key if key in spellings else nearest(key, spellings)
            said, meant = "is none of the data products", None
            if near is None:
                said += f", which are {listed(sorted(self._names))}" if self._names else ": there are no jobs"
            else:
                known, name = spellings[near], self._names[spellings[near]]
                meant = path_text((self._part, "products", known)) + (f" ({name})" if name != known else "")
            path = (self._part, "products", key)
            yield Fault(path_text(path), said, meant, path)


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _listed(found: object) -> str:
    return ", ".join(map(str, _map(found))) or "an empty one"
