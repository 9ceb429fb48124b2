"""Label selectors, as Kubernetes reads them, and what nearly fits one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from floe_charts.verify.references.nodes import list_at, map_at, maps_at, near_identical

__all__ = ["best", "fits", "is_empty", "nearly", "plain", "shown", "wanted"]


def fits(selector: Mapping[str, object], labels: Mapping[str, object]) -> bool:
    """Whether a LabelSelector (``matchLabels`` and ``matchExpressions``) selects these labels; an empty one does."""
    if not plain(map_at(selector, "matchLabels"), labels):
        return False
    return all(_holds(one, labels) for _, one in maps_at(selector, "matchExpressions"))


def plain(pairs: Mapping[str, object], labels: Mapping[str, object]) -> bool:
    """Whether the labels hold all these pairs, as the selector of a Service asks."""
    return all(key in labels and str(labels[key]) == str(value) for key, value in pairs.items())


def _holds(expression: Mapping[str, object], labels: Mapping[str, object]) -> bool:
    key, operator = str(expression.get("key")), expression.get("operator")
    values = [str(value) for value in list_at(expression, "values")]
    if operator == "In":
        return key in labels and str(labels[key]) in values
    if operator == "NotIn":
        return key not in labels or str(labels[key]) not in values
    if operator == "Exists":
        return key in labels
    return operator != "DoesNotExist" or key not in labels


def is_empty(selector: Mapping[str, object]) -> bool:
    """Whether it asks for nothing, and so selects everything."""
    return not map_at(selector, "matchLabels") and not list_at(selector, "matchExpressions")


def wanted(selector: Mapping[str, object]) -> dict[str, object]:
    """The labels that a selector asks for, for messages and for what is told from them."""
    pairs: dict[str, object] = {str(key): value for key, value in map_at(selector, "matchLabels").items()}
    for _, one in maps_at(selector, "matchExpressions"):
        values = list_at(one, "values")
        if one.get("operator") == "In" and values:
            pairs[str(one.get("key"))] = values[0]
    return pairs


def nearly(pairs: Mapping[str, object], candidates: Iterable[Mapping[str, object]]) -> str:
    """What to write instead, where some labels fit but for one that can only be misspelt; else empty."""
    for labels in candidates:
        wrong = [(key, value) for key, value in pairs.items() if str(labels.get(key, "")) != str(value)]
        if len(wrong) != 1 or len(pairs) < 2:
            continue
        key, value = wrong[0]
        if key in labels and near_identical(str(value), [str(labels[key])]):
            return f"did you mean {key}={labels[key]}?"
        other = near_identical(str(key), [str(one) for one in labels])
        if other and str(labels[other]) == str(value):
            return f"did you mean the label {other}?"
    return ""


def shown(pairs: Mapping[str, object]) -> str:
    """``app=shop, tier=web``."""
    return ", ".join(f"{key}={value}" for key, value in pairs.items())


def best(pairs: Mapping[str, object], candidates: Iterable[tuple[str, Mapping[str, object]]]) -> str:
    """Which candidate has most of the labels, and where it differs: ``Deployment web has tier=front``; may be empty."""
    most, found = 0, ""
    for name, labels in candidates:
        same = sum(str(labels.get(key, "")) == str(value) for key, value in pairs.items())
        if same > most:
            most = same
            others = [
                f"{key}={labels[key]}" if key in labels else f"no {key}"
                for key, value in pairs.items()
                if str(labels.get(key, "")) != str(value)
            ]
            found = f"{name} has {', '.join(others)}"
    return found
