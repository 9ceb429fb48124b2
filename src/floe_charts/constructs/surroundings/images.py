"""Where dependencies take their images from: Helm evaluates no values of theirs, so synth says it in their own words.

Our own templates read ``imageRegistry`` and ``imagePullSecrets`` when Helm renders them. A dependency is given what
follows from them in its chart's form: the registry at the head of ``repository`` or as ``registry``, Secrets by their
names or as ``{name: ...}``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from floe_charts.helm import Component, Image, Values
from floe_charts.helm.spec import property_specs

__all__ = ["image_name", "image_values"]

_PULL_SECRETS = frozenset({"imagePullSecrets", "pullSecrets"})


def image_values(component: Component[Any], base: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """What a component's dependency is told of the chart's ``imageRegistry`` and ``imagePullSecrets``.

    ``values`` are the final ones of an environment, ``base`` those of values.yaml: an environment can take back what
    holds everywhere. Every image among the component's values counts (an object with ``repository`` and ``tag``), and
    every list ``imagePullSecrets`` or ``pullSecrets``. Empty for a component without a dependency.
    """
    if component.dependency is None:
        return {}
    registry = values.get("imageRegistry", "")
    secrets = [secret["name"] for secret in values.get("imagePullSecrets", [])]
    return _said(
        type(component.values),
        component.default_values,
        registry if registry or base.get("imageRegistry") else None,
        secrets if secrets or base.get("imagePullSecrets") else None,
    )


def image_name(image: Image, values: Mapping[str, Any]) -> str:
    """The name of an image that a dependency takes as one text, from the registry of the chart's final ``values``."""
    name = f"{values.get('imageRegistry') or image.registry}/{image.repository}:{image.tag}"
    return f"{name}@{image.digest}" if image.digest else name


def _said(
    model: type[Values], defaults: Mapping[str, Any], registry: str | None, secrets: Sequence[str] | None
) -> dict[str, Any]:
    """The values below ``model``; nothing of what is None, and the defaults for what is empty."""
    tree: dict[str, Any] = {}
    for name, prop in property_specs(model).items():
        found, inner, item = defaults.get(name), prop.spec.model, prop.spec.item
        if name in _PULL_SECRETS and item is not None and secrets is not None:
            made = [{"name": secret} if item.kind == "object" else secret for secret in secrets]
            tree[name] = made or found
        elif inner is not None and isinstance(found, Mapping) and not issubclass(inner, Image):
            below = _said(inner, found, registry, secrets)
            if registry is not None and {"repository", "tag"} <= found.keys():
                below.update(_from(registry, found))
            if below:
                tree[name] = below
    return tree


def _from(registry: str, image: Mapping[str, str]) -> dict[str, str]:
    """Where ``image`` is taken from ``registry``; from its own where that is empty."""
    if "registry" in image:
        return {"registry": registry or image["registry"]}
    host, slash, path = image["repository"].partition("/")
    # What tells a host is what container runtimes go by; without one it is docker.io.
    named = bool(slash) and (host == "localhost" or "." in host or ":" in host)
    whole = path if named else image["repository"]
    return {"repository": f"{registry}/{whole}" if registry else image["repository"]}
