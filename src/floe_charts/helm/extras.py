"""What values add to a main container: environment variables and volumes, which never meet the chart's own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from floe_charts.errors import DeclarationError
from floe_charts.helm.expr import Splice, expression, node_of, whole_expression
from floe_charts.helm.nodes import Call, Constant
from floe_charts.helm.pieces import Conditional, Loop, each
from floe_charts.helm.spec import INTEGER, STRING
from floe_charts.helm.workload_values import EXTRA_MOUNT_PATTERN, PodValues

__all__ = ["extra_mounts", "extra_volumes", "refuse_meeting", "refuse_volumes", "sees_extra_volumes"]

_PREFIX = "extra-"


def extra_mounts(values: PodValues) -> list[Any]:
    """The volume mounts of the extra volumes."""
    return [
        *each(
            values.extra_volumes,
            lambda path, body: {
                "name": _volume_name(path),
                "mountPath": path,
                "subPath": body.sub_path,
                "readOnly": body.read_only,
            },
        )
    ]


def extra_volumes(values: PodValues) -> list[Any]:
    """The extra volumes; each is named after the path where it is seen."""
    return [*each(values.extra_volumes, lambda path, body: {"name": _volume_name(path), **body.volume})]


def sees_extra_volumes(containers: Sequence[Any], values: PodValues) -> bool:
    """Whether one of the containers has the mounts of :func:`extra_mounts`."""
    source = node_of(values.extra_volumes)
    mounts = [mount for one in containers if isinstance(one, Mapping) for mount in one.get("volumeMounts", ())]
    spread = [mount.content for mount in mounts if isinstance(mount, Splice)]
    return any(isinstance(one, Loop) and one.source == source for one in spread)


def _volume_name(path: str) -> str:
    digest = Call("sha256sum", (node_of(path),), STRING)
    return f"{_PREFIX}{expression(Call('trunc', (Constant(10, INTEGER), digest), STRING))}"


def refuse_meeting(env: Mapping[Any, Any], mounts: Mapping[str, Any], values: PodValues) -> None:
    """Raise :class:`DeclarationError` for a variable or a path of the chart's own that an extra one could have."""
    extra = whole_expression(values.extra_env)
    refused = dict(extra.spec.bounds).get("not", {}).get("anyOf", ()) if extra is not None else ()
    kept = {one["required"][0] for one in refused}
    free = [name for name in _names(env) if name not in kept]
    if free:
        raise DeclarationError(
            f"the variables {', '.join(free)} could meet extra ones: extra_env: Annotated[ExtraEnv, Without(...)]"
        )
    for path in (side for mount in mounts.values() for side in _sides(mount)):
        if re.search(EXTRA_MOUNT_PATTERN, str(path)):
            raise DeclarationError(f"{path} could be the path of an extra volume; take one elsewhere, such as /etc/...")


def _sides(piece: Any) -> tuple[Any, ...]:
    """What a piece can be, where a condition decides."""
    if not isinstance(piece, Conditional):
        return (piece,)
    return (*_sides(piece.body), *(() if piece.otherwise is None else _sides(piece.otherwise)))


def _names(env: Mapping[Any, Any]) -> Iterator[str]:
    """The names of variables, also of those that are there on a condition."""
    for name, value in env.items():
        if not isinstance(name, Splice):
            yield name
        elif isinstance(value, Conditional):
            for side in _sides(value):
                yield from _names(side)
        else:
            raise DeclarationError(f"the variables of {value!r} could meet extra ones; let one map hold both")


def refuse_volumes(volumes: Sequence[Any]) -> None:
    """Raise :class:`DeclarationError` for a volume of the chart's own whose name an extra one could have."""
    for volume in _plain(volumes):
        name = volume.get("name")
        if isinstance(name, str) and name.startswith(_PREFIX):
            raise DeclarationError(f"an extra volume could be called {name} too; {_PREFIX}... are theirs")


def _plain(piece: Any) -> Iterator[Mapping[Any, Any]]:
    """The maps in a list and in the conditions and loops in it."""
    if isinstance(piece, Mapping):
        yield piece
    elif isinstance(piece, Splice):
        yield from _plain(piece.content)
    elif isinstance(piece, Loop):
        yield from _plain(piece.body)
    elif isinstance(piece, Conditional):
        yield from _plain(piece.body)
        yield from _plain(piece.otherwise)
    elif isinstance(piece, (list, tuple)):
        for item in piece:
            yield from _plain(item)
