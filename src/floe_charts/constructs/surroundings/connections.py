"""Who talks to whom in a chart: what its parts declare, checked, and with all that must hold for it to be there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from floe_charts.constructs.network import CLIENTS, ELSEWHERE, Edge, Endpoint, Outside, Workload, platform_endpoints
from floe_charts.constructs.part import PlatformPart
from floe_charts.errors import DeclarationError, nearest
from floe_charts.helm import and_
from floe_charts.helm.expr import expression
from floe_charts.helm.functions import condition_of
from floe_charts.helm.nodes import Call, Node

__all__ = ["Connection", "Network", "joined", "must_hold"]


@dataclass(frozen=True)
class Connection:
    """An edge between pods of the chart, or between them and somebody outside.

    ``port`` is the target's, None where it is outside. ``conditions`` are all that must hold, those of both ends among
    them; ``optional`` says whether the edge has one of its own.
    """

    source: Workload | Outside
    target: Workload | Outside
    port: int | None
    purpose: str
    conditions: tuple[Node, ...]
    optional: bool

    @property
    def ends(self) -> tuple[Workload | Outside, Workload | Outside, int | None]:
        """Source, target and port."""
        return self.source, self.target, self.port

    @property
    def when(self) -> bool | None:
        """The condition that all of them hold; None where there is none."""
        return joined(self.conditions)


class Network:
    """The pods (``workloads``) and ``connections`` that the ``parts`` of a chart declare, and who is ``outside``."""

    def __init__(self, parts: Iterable[PlatformPart[Any]]) -> None:
        """Ask the parts; a connection to an endpoint of a part that the chart does not have is left out.

        Raises :class:`DeclarationError` for an edge from a workload or to an endpoint that nobody declares, and for
        a workload that is declared twice; and for somebody outside who is asked and comes in.
        """
        self.parts = tuple(parts)
        self._by_name = dict(self._declared_workloads())
        self._served = {endpoint.address: endpoint for part in self.parts for endpoint in part.endpoints()}
        self.workloads = tuple(self._by_name[name] for name in sorted(self._by_name))
        self.connections = tuple(sorted(dict.fromkeys(self._found()), key=_order))
        self.outside = self._outside()

    def _declared_workloads(self) -> Iterator[tuple[str, Workload]]:
        owners: dict[str, str] = {}
        for part in self.parts:
            for workload in part.workloads():
                if workload.name in owners:
                    raise DeclarationError(
                        f"the workload {workload.name} is declared by {owners[workload.name]} and by {_named(part)}"
                    )
                owners[workload.name] = _named(part)
                yield workload.name, workload

    def _outside(self) -> tuple[Outside, ...]:
        """Who of the outside has connections, by id."""
        found: dict[str, Outside] = {}
        for end in (end for one in self.connections for end in (one.source, one.target) if isinstance(end, Outside)):
            if found.setdefault(end.id, end) != end:
                raise DeclarationError(f"somebody outside is declared in two ways as {end.id}")
        return tuple(found[id] for id in sorted(found))

    def _found(self) -> Iterator[Connection]:
        for part in self.parts:
            for edge in part.edges():
                connection = self._connection(part, edge)
                if connection is not None:
                    yield connection
            for endpoint in part.endpoints():
                if endpoint.clients:
                    yield self._to_endpoint(part, CLIENTS, endpoint)

    def _connection(self, part: PlatformPart[Any], edge: Edge) -> Connection | None:
        source = edge.source if isinstance(edge.source, Outside) else self._workload(part, edge.source)
        target = edge.target
        if isinstance(target, Endpoint) and target.address not in self._served:
            if target not in platform_endpoints():
                hint = _hint(target.address, self._served)
                raise DeclarationError(f"{_named(part)}: no part serves {target.address}{hint}")
            if isinstance(source, Outside) or target not in ELSEWHERE:
                return None
            target = ELSEWHERE[target]
        if isinstance(target, Endpoint):
            if isinstance(source, Outside) and source.ports:
                raise DeclarationError(f"{_named(part)}: {source.title} has ports: it is asked, and does not come in")
            return self._to_endpoint(part, source, target, edge.purpose, edge.when)
        if isinstance(source, Outside) or not target.ports:
            raise DeclarationError(f"{_named(part)}: {target.title} has no ports that pods of the release ask")
        conditions = must_hold(source.when, edge.when)
        return Connection(source, target, None, edge.purpose, conditions, edge.when is not None)

    def _to_endpoint(
        self,
        part: PlatformPart[Any],
        source: Workload | Outside,
        endpoint: Endpoint,
        purpose: str = "",
        when: bool | None = None,
    ) -> Connection:
        target = self._workload(part, endpoint.workload)
        own = None if isinstance(source, Outside) else source.when
        conditions = must_hold(own, target.when, when)
        return Connection(source, target, endpoint.port, purpose, conditions, when is not None)

    def _workload(self, part: PlatformPart[Any], name: str) -> Workload:
        found = self._by_name.get(name)
        if found is None:
            raise DeclarationError(f"{_named(part)}: no part declares the workload {name}{_hint(name, self._by_name)}")
        return found


def must_hold(*conditions: bool | None) -> tuple[Node, ...]:
    """All that must hold where every one of ``conditions`` does, each once; None stands for always."""
    parts = (part for one in conditions if one is not None for part in _conjuncts(condition_of(one)))
    return tuple(dict.fromkeys(parts))


def joined(nodes: Collection[Node]) -> bool | None:
    """The condition that all of ``nodes`` hold; None where there are none."""
    return and_(*(expression(node) for node in nodes)) if nodes else None


def _conjuncts(node: Node) -> Iterator[Node]:
    if isinstance(node, Call) and node.function == "and":
        for argument in node.arguments:
            yield from _conjuncts(argument)
    else:
        yield node


def _order(connection: Connection) -> tuple[Any, ...]:
    conditions = [node.go(".") for node in connection.conditions]
    return _place(connection.source), _place(connection.target), connection.port or 0, connection.purpose, conditions


def _place(end: Workload | Outside) -> tuple[bool, str]:
    return (True, end.id) if isinstance(end, Outside) else (False, end.name)


def _named(part: PlatformPart[Any]) -> str:
    return f"{type(part).__name__} at {part.chart.chart_name}/{part.id}"


def _hint(name: str, known: Iterable[str]) -> str:
    near = nearest(name, known)
    return f"; did you mean {near}?" if near else ""
