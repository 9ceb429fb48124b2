"""References that read like the Values class they point into."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from floe_charts.errors import nearest
from floe_charts.helm.expr import Splice, expression
from floe_charts.helm.nodes import LoopItem, Node, ValueRef
from floe_charts.helm.spec import Spec, property_specs
from floe_charts.helm.values import Values

__all__ = ["Refs", "refs_to"]

_V = TypeVar("_V", bound=Values)


class Refs:
    """An object among the values; its attributes are those of its Values class, their leaves are expressions."""

    def __init__(self, node: Node) -> None:
        """``node`` must be of an object type with a Values class."""
        self.node = node
        self._known: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<{self.node.go('.')}>"

    def __getattr__(self, name: str) -> Any:
        known = self.__dict__.get("_known")
        if known is None:
            raise AttributeError(name)
        if name not in known:
            known[name] = expression(self._child(name))
        return known[name]

    def _child(self, attribute: str) -> Node:
        model = self.node.spec.model
        if model is None:
            raise AttributeError(attribute)
        declared = {prop.attribute: prop for prop in property_specs(model).values()}
        prop = declared.get(attribute)
        if prop is None:
            near = nearest(attribute, declared)
            hint = f"; did you mean {near}?" if near else f"; it declares {', '.join(declared)}"
            raise AttributeError(f"v.{attribute} is not declared in {model.__name__}{hint}")
        return child(self.node, prop.name, prop.spec)

    def keys(self) -> Any:
        """One key that stands for all, so that ``**`` works."""
        yield Splice(self)

    def __getitem__(self, key: Splice) -> object:
        return key.content

    def __bool__(self) -> bool:
        return True


def child(node: Node, key: str, spec: Spec) -> Node:
    """The node of ``key`` inside the object that ``node`` stands for."""
    if isinstance(node, ValueRef):
        return ValueRef((*node.path, key), spec)
    if isinstance(node, LoopItem):
        return LoopItem(node.variable, (*node.path, key), spec, node.source)
    raise TypeError(f"{node!r} has no declared keys")


def refs_to(model: type[_V], path: tuple[str, ...]) -> _V:
    """References into the values of ``model`` at ``path``, typed as the class itself."""
    return cast("_V", Refs(ValueRef(path, Spec("object", model=model))))
