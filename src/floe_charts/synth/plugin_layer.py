"""The layer of the plugins: what of their values the chart reads, and a line for each key that it does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from floe_charts.helm.checking import DeclaredValues, Fault
from floe_charts.helm.layers import merge
from floe_charts.helm.nodes import path_text
from floe_charts.synth.plugins import PluginValues
from floe_charts.synth.secrets import credential_paths, without_found

__all__ = ["usable_plugin_values"]

_MISSING = object()


def usable_plugin_values(
    plugins: Sequence[PluginValues], declared: DeclaredValues, defaults: Mapping[str, Any]
) -> tuple[list[PluginValues], list[str]]:
    """What plugins say that the chart, whose values are ``defaults`` without them, reads and takes.

    A plugin cannot know the chart, so that its mistakes do not end the run: left out, with a line for each, are
    credentials, keys that no chart reads, and values of a wrong type.
    """
    usable: list[PluginValues] = []
    notices: list[str] = []
    for plugin in plugins:
        tree = _deep_copy(plugin.values)
        notices += [f"plugin {plugin.plugin}: {line}" for line in plugin.notices]
        for lines in (
            _without_credentials(tree, declared),
            _without_dead(tree, declared),
            _without_unfit(tree, declared, defaults),
        ):
            notices += [f"plugin {plugin.plugin}: {line}" for line in lines]
        if tree:
            usable.append(PluginValues(plugin.plugin, tree))
    return usable, notices


def _without_credentials(tree: dict[str, Any], declared: DeclaredValues) -> Iterator[str]:
    for path in list(credential_paths(tree, declared)):
        gone, removed = _remove(tree, path)
        if removed is not _MISSING:
            yield (
                f"{_where(gone, path, 'holds a credential')}, which is never written; {_left_out(gone, path)}: "
                "name a Secret instead"
            )


def _without_dead(tree: dict[str, Any], declared: DeclaredValues) -> Iterator[str]:
    for fault in list(declared.unknown(tree)):
        gone, removed = _remove(tree, fault.keys)
        if removed is _MISSING:
            continue
        for leaf in _leaf_keys(removed, gone) if gone == fault.keys else [fault.keys]:
            near = declared.nearest(leaf)
            line = f"{path_text(leaf)} is read by no chart"
            if gone != fault.keys:
                line = f"{_where(gone, leaf, 'holds a key')} that no chart reads; {_left_out(gone, leaf)}"
            yield line + (f"; did you mean {near}?" if near else "")


def _without_unfit(tree: dict[str, Any], declared: DeclaredValues, defaults: Mapping[str, Any]) -> Iterator[str]:
    own = {str(fault) for fault in declared.faults(defaults)}
    while faults := [fault for fault in declared.faults(merge(defaults, tree)) if str(fault) not in own]:
        left: list[str] = []
        for fault in faults:
            gone, removed = _remove(tree, _given(tree, fault)) if fault.keys else ((), _MISSING)
            if removed is not _MISSING:
                path = fault.keys if isinstance(removed, list) else gone
                left.append(f"{without_found(fault)}; {_left_out(gone, path)}")
        yield from left
        if not left:
            tree.clear()
            yield f"{without_found(faults[0])}; all its values are left out"


def _where(gone: tuple[str, ...], path: tuple[str, ...], holds: str) -> str:
    """What is at fault; ``gone`` is the path of the list that goes as a whole where the fault is inside of one."""
    return f"{path_text(gone)} {holds}" + (f" at {path_text(path[len(gone) :])}" if gone != path else "")


def _left_out(gone: tuple[str, ...], path: tuple[str, ...]) -> str:
    return "it is left out" if gone == path else f"the whole list {path_text(gone)} is left out"


def _given(tree: Mapping[str, Any], fault: Fault) -> tuple[str, ...]:
    """The part of the fault's path that the plugin set: where it put a text, say, there is nothing below."""
    here: Any = tree
    for length, key in enumerate(fault.keys):
        if not isinstance(here, Mapping) or key not in here:
            return fault.keys[:length] if length and not isinstance(here, Mapping) else fault.keys
        here = here[key]
    return fault.keys


def _leaf_keys(value: Any, path: tuple[str, ...]) -> list[tuple[str, ...]]:
    if isinstance(value, Mapping) and value:
        return [leaf for key, item in value.items() for leaf in _leaf_keys(item, (*path, str(key)))]
    return [path]


def _remove(tree: Any, path: tuple[str, ...]) -> tuple[tuple[str, ...], Any]:
    """Take what stands at ``path`` out of ``tree``, with the maps that this leaves empty; a list goes as a whole.

    Returns the path of what went, and that itself.
    """
    if not isinstance(tree, dict) or not path or path[0] not in tree:
        return path, _MISSING
    here = tree[path[0]]
    if len(path) == 1 or isinstance(here, list):
        return path[:1], tree.pop(path[0])
    gone, removed = _remove(here, path[1:])
    if here == {}:
        del tree[path[0]]
    return (path[0], *gone), removed


def _deep_copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _deep_copy(item) for key, item in value.items()}
    return [_deep_copy(item) for item in value] if isinstance(value, list) else value
