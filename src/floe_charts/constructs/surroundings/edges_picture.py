"""A picture of the connections, for people: a Mermaid flowchart."""

from __future__ import annotations

from collections.abc import Sequence

from floe_charts.constructs.network import Outside, Workload
from floe_charts.constructs.surroundings.connections import Connection, Network

__all__ = ["edges_picture"]


def edges_picture(network: Network, release: str, *, without: Sequence[str] = ()) -> str:
    """The pods of ``release`` in a box, who is outside with round ends, an arrow for each pair that talks.

    An arrow says what for and on which port; it is dotted where the values decide. The workloads named in ``without``
    are left out.
    """
    shown = [one for one in network.connections if not any(_name(end) in without for end in (one.source, one.target))]
    pairs: dict[tuple[str, str], list[Connection]] = {}
    for one in shown:
        pairs.setdefault((_name(one.source), _name(one.target)), []).append(one)
    ends = [end for one in shown for end in (one.source, one.target) if isinstance(end, Outside)]
    boxes = [f'        {_name(one)}["{_text(one.title)}"]' for one in network.workloads if one.name not in without]
    outside = sorted({f'    {_name(one)}(["{_text(one.title)}"])' for one in ends})
    arrows = [f"    {source} {_arrow(several)} {target}" for (source, target), several in pairs.items()]
    inside = [f'    subgraph release["{_text(release)}"]', *boxes, "    end"]
    return "\n".join(("```mermaid", "flowchart LR", *outside, *inside, *arrows, "```"))


def _arrow(connections: Sequence[Connection]) -> str:
    words: dict[str, list[str]] = {}
    for one in connections:
        words.setdefault(one.purpose, []).extend([str(one.port)] if one.port is not None else [])
    said = [f"{purpose} {', '.join(dict.fromkeys(ports))}".strip() for purpose, ports in words.items()]
    line = "-.->" if all(one.optional for one in connections) else "-->"
    return f'{line}|"{_text("; ".join(said))}"|'


def _name(end: Workload | Outside) -> str:
    # A workload may be called like somebody outside.
    return end.name if isinstance(end, Workload) else f"outside_{end.id}"


def _text(text: str) -> str:
    return text.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
