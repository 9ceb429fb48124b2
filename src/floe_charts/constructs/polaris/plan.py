"""What the data products want of the catalog: the catalogs and principals that setup makes by default."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from floe_charts.constructs.polaris.setup_values import NAME_PATTERN, CatalogValues, PrincipalValues

__all__ = ["CatalogWish", "wished_catalogs", "wished_principals"]

_NAME = re.compile(NAME_PATTERN)
_SCOPE = "PRINCIPAL_ROLE:"
_ALL = "ALL"


@dataclass(frozen=True)
class CatalogWish:
    """What one data product wants: the ``warehouse`` that it names, and to log in by what its Secret holds.

    ``slug`` is the product's, ``bucket`` where its tables go, ``scope`` what it asks a token for
    (``PRINCIPAL_ROLE:ALL``). ``secret`` is the Secret with its credentials, the two keys are those of the client's id
    and secret.
    """

    slug: str
    warehouse: str | None
    bucket: str | None
    scope: str | None = None
    secret: str | None = None
    client_id_key: str | None = None
    client_secret_key: str | None = None

    @property
    def catalog(self) -> str | None:
        """The name of its catalog; None where it says too little, or what Polaris or S3 would not take."""
        fits = self.warehouse is not None and self.bucket is not None and _fits(self.warehouse)
        return self.warehouse if fits else None

    @property
    def roles(self) -> tuple[str, ...]:
        """The principal roles: those of the scope, else one of the warehouse's own."""
        named = [word.removeprefix(_SCOPE) for word in (self.scope or "").split() if word.startswith(_SCOPE)]
        chosen = tuple(role for role in named if role != _ALL and _fits(role))
        if chosen:
            return chosen
        return (f"{self.catalog}-writer",) if self.catalog is not None else ()


def wished_catalogs(wishes: Sequence[CatalogWish]) -> dict[str, CatalogValues]:
    """The catalogs by name; products of one warehouse share one, in which the places of all are allowed."""
    made: dict[str, CatalogValues] = {}
    for wish in wishes:
        if wish.catalog is None:
            continue
        place = f"s3://{wish.bucket}/{wish.catalog}"
        known = made.get(wish.catalog)
        if known is None:
            made[wish.catalog] = CatalogValues(base_location=place, principal_roles=list(wish.roles))
            continue
        places = {known.base_location, *(known.allowed_locations or ()), place} - {known.base_location}
        made[wish.catalog] = known.model_copy(
            update={
                "allowed_locations": sorted(places) or None,
                "principal_roles": sorted({*known.principal_roles, *wish.roles}),
            }
        )
    return made


def wished_principals(wishes: Sequence[CatalogWish]) -> dict[str, PrincipalValues]:
    """A principal for each product that has an id and a secret, by the product's slug."""
    return {
        wish.slug: PrincipalValues(
            secret_name=wish.secret,
            client_id_key=wish.client_id_key,
            client_secret_key=wish.client_secret_key,
            roles=list(wish.roles),
        )
        for wish in wishes
        if wish.secret and wish.client_id_key and wish.client_secret_key
    }


def _fits(name: str) -> bool:
    return len(name) <= 128 and bool(_NAME.fullmatch(name))
