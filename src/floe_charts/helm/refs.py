"""References that read like the Values class they point into."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from floe_charts.errors import nearest
from floe_charts.helm.expr import Splice, UndecidedError, expression
from floe_charts.helm.nodes import LoopItem, Node, ValueRef
from floe_charts.helm.spec import Spec, attribute_specs
from floe_charts.helm.values import Values

__all__ = ["Refs", "refs_to"]

_V = TypeVar("_V", bound=Values)


class Refs:
    """An object among the values; its attributes are those of its Values class, their leaves are expressions."""

    def __init__(self, node: Node, where: str = "", name: str = "v") -> None:
        """``node`` must be of an object type with a Values class; ``where`` and ``name`` tell errors whose it is."""
        self.node = node
        self.__where = where
        self.__name = name

    def __repr__(self) -> str:
        return f"<{self.node.go('.')}>"

    def __getattr__(self, name: str) -> Any:
        model = self.__dict__["node"].spec.model if "node" in self.__dict__ else None
        if model is None or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(name)
        declared = attribute_specs(model)
        prop = declared.get(name)
        trail = f"{self.__name}.{name}"
        if prop is None:
            near = nearest(name, declared)
            hint = f"; did you mean {near}?" if near else f"; it declares {', '.join(declared)}"
            place = f"{self.__where}: " if self.__where else ""
            raise AttributeError(f"{place}{trail} is not declared in {model.__name__}{hint}")
        node = child(self.node, prop.name, prop.spec)
        made = Refs(node, self.__where, trail) if node.spec.kind == "object" else expression(node)
        setattr(self, name, made)
        return made

    def keys(self) -> Any:
        """One key that stands for all, so that ``**`` works."""
        yield Splice(self)

    def __getitem__(self, key: Splice) -> object:
        return key.content

    def __bool__(self) -> bool:
        if self.node.spec.optional:
            raise UndecidedError(f"{self.node.go('.')} is known only when Helm renders; ask when(present(a), ...)")
        return True

    def __str__(self) -> str:
        raise UndecidedError(f"{self.node.go('.')} is an object, which cannot stand in a text")


def child(node: Node, key: str, spec: Spec) -> Node:
    """The node of ``key`` inside the object that ``node`` stands for."""
    if isinstance(node, ValueRef):
        return ValueRef((*node.path, key), spec)
    if isinstance(node, LoopItem):
        return LoopItem(node.variable, (*node.path, key), spec, node.source)
    raise TypeError(f"{node!r} has no declared keys")


def refs_to(model: type[_V], path: tuple[str, ...], where: str = "") -> _V:
    """References into the values of ``model`` at ``path``, typed as the class itself; ``where`` is named in errors."""
    return cast("_V", Refs(ValueRef(path, Spec("object", model=model)), where))
