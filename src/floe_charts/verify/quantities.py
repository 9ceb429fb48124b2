"""Amounts of cpu, memory and storage as Kubernetes writes them."""

from __future__ import annotations

import re
from decimal import Decimal

__all__ = ["parse_quantity"]

_QUANTITY = re.compile(
    r"(?P<number>[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+))(?P<suffix>([eE][+-]?[0-9]{1,3})|[numkMGTPE]|[KMGTPE]i)?", re.ASCII
)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


def parse_quantity(text: str) -> Decimal | None:
    """The amount that a quantity stands for, or None where it is none (k8s.io/apimachinery/pkg/api/resource).

    >>> parse_quantity("500m"), parse_quantity("1Ki"), parse_quantity("1 GB")
    (Decimal('0.500'), Decimal('1024'), None)
    """
    match = _QUANTITY.fullmatch(text.strip())
    if match is None:
        return None
    number, suffix = Decimal(match["number"]), match["suffix"] or ""
    if suffix in _BINARY:
        return number * Decimal(1024) ** _BINARY[suffix]
    exponent = _DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:])
    return number.scaleb(exponent)
