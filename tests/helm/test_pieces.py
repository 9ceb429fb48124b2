"""Conditions and loops inside manifests: pieces are there or not, and no key is left with nothing behind it."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from floe_charts.errors import DeclarationError
from floe_charts.helm import Field, Values, and_, each, eq, not_, present, when, yaml_text
from floe_charts.verify.kube_yaml import read_documents
from tests.helm.rendering import Rendering, probe


class Rule(Values):
    """A rule."""

    name: str = Field("", description="Its name.")
    enabled: bool = Field(True, description="Whether it holds.")
    ports: list[int] = Field([], description="Its ports.")
    note: str | None = Field(None, description="A note.")


class PieceValues(Values):
    """Switches and lists."""

    a: bool = Field(False, description="A switch.")
    b: bool = Field(False, description="Another switch.")
    name: str = Field("n", description="A name.")
    names: list[str] = Field([], description="Names.")
    marks: dict[str, str] = Field({}, description="Marks.")
    more: dict[str, str] = Field({}, description="More marks.")
    rules: list[Rule] = Field([], description="Rules.")
    by_name: dict[str, Rule] = Field({}, description="Rules by name.")


def _switched(v: Any, a: bool | None = None, b: bool | None = None) -> dict[str, Any]:
    """A manifest of conditions; with ``a`` and ``b``, what it must come out as."""
    python = a is not None

    def choose(condition: Any, body: Any, otherwise: Any = None) -> Any:
        return (body if condition else otherwise) if python else when(condition, body, otherwise)

    x, y = (a, b) if python else (v.a, v.b)
    both, neither = (a and b, not a and not b) if python else (and_(v.a, v.b), and_(not_(v.a), not_(v.b)))
    return {
        "scalar": choose(x, 1),
        "either": choose(x, 1, 2),
        "empty": choose(x, {}, []),
        "falsy": choose(x, 0, ""),
        "nested": choose(x, choose(y, 1, 2), choose(y, 3)),
        "map": {"a": choose(x, 1), "b": choose(y, 2)},
        "deep": {"a": {"b": {"c": choose(both, {"d": choose(y, 1)})}}},
        "conditionalMap": choose(x, {"b": choose(y, {"c": choose(both, 1)})}),
        "otherwiseMap": choose(x, {"b": choose(y, 1)}, {"c": choose(neither, 2)}),
        "list": [choose(x, 1), choose(y, {"b": choose(x, 2)}), choose(both, [choose(y, 3)])],
        "listOfMaps": [{"a": choose(x, 1), "b": choose(y, 2)}, {"c": 1, "d": choose(x, 2)}],
        "listOfLists": [[choose(x, 1)], [choose(y, [1])]],
        "conditionalList": choose(x, [choose(y, 1)]),
    }


def _pruned(tree: Any, *, in_list: bool = False) -> Any:
    """What is left of a manifest: absent pieces are None, and keys of which nothing is left go too."""
    if isinstance(tree, dict) and tree:
        made = {key: _pruned(item) for key, item in tree.items()}
        left = {key: item for key, item in made.items() if item is not None}
        return left if left or in_list else None
    if isinstance(tree, list) and tree:
        left_items = [_pruned(item, in_list=True) for item in tree]
        kept = [item for item in left_items if item is not None]
        return kept if kept or in_list else None
    return tree


@pytest.fixture(scope="module")
def switched() -> Rendering:
    return probe(PieceValues(), lambda v: {**_switched(v), "text": yaml_text(_switched(v)), "read": [v]})


@pytest.mark.parametrize(("a", "b"), list(product((False, True), repeat=2)))
def test_pieces_are_there_or_not(switched: Rendering, a: bool, b: bool) -> None:
    body = switched.data({"web": {"a": a, "b": b}})
    expected = _pruned(_switched(None, a, b))
    body.pop("read")
    (text,) = read_documents(body.pop("text"))
    assert body == expected
    assert text == expected


def test_what_is_known_to_hold_is_not_asked_again() -> None:
    made = probe(PieceValues(), lambda v: when(v.a, {"x": when(v.a, 1), "y": when(and_(v.a, v.b), 2), "read": [v]}))
    conditions = [line.strip() for line in made.template.splitlines() if "if " in line and ".Values.web.b }}" in line]
    assert conditions == ["{{- if .Values.web.b }}"]
    assert made.template.count("if .Values.web.a }}") == 1
    assert [made.data({"web": {"a": True, "b": b}}).get("y") for b in (True, False)] == [2, None]


def _looped(v: Any, values: Any = None) -> dict[str, Any]:
    """A manifest of loops; with ``values``, what it must come out as."""
    if values is None:
        return {
            "names": each(v.names, lambda name: f"<{name}>"),
            "maps": [*each(v.names, lambda name: {"name": name, "of": v.name})],
            "marks": each(v.marks, lambda key, mark: {"key": key, "mark": mark}),
            "spread": {**each(v.marks, lambda key, mark: {f"x-{key}": f"{mark}!"})},
            "enabled": [*each(v.rules, lambda rule: when(rule.enabled, {"name": rule.name}))],
            "enabledBare": each(v.rules, lambda rule: when(rule.enabled, rule.name)),
            "ports": [
                *each(
                    v.rules,
                    lambda rule: {
                        "rule": rule.name,
                        "ports": [*each(rule.ports, lambda port: {"p": port, "r": rule.name})],
                    },
                )
            ],
            "byName": {
                **each(
                    v.by_name, lambda key, rule: when(and_(rule.enabled, v.a), {key: [*each(rule.ports, lambda p: p)]})
                )
            },
            "inner": {
                **each(v.by_name, lambda key, rule: {key: {**each(v.marks, lambda k, m: {k: f"{key}{m}{v.name}"})}})
            },
            "named": [*each(v.rules, lambda rule: when(eq(rule.name, v.name), rule.name, {"other": rule.name}))],
            "whole": {"rules": v.rules, "byName": v.by_name},
            "when": when(v.a, [*v.names]),
            "spliced": [
                "first",
                *when(v.a, v.names),
                *when(v.a, [*v.names], ["none"]),
                *when(v.a, each(v.names, lambda n: n)),
            ],
            "merged": {"k": "first", **when(v.a, v.marks)},
            "looped": {"k": "first", **when(v.b, each(v.marks, lambda k, m: {f"b-{k}": m}))},
        }
    rules, by_name, marks, names = values["rules"], values["byName"], values["marks"], values["names"]
    a, b, own = values["a"], values["b"], values["name"]
    ports = [{"rule": r["name"], "ports": [{"p": p, "r": r["name"]} for p in r["ports"]] or None} for r in rules]
    return {
        "names": [f"<{name}>" for name in names],
        "maps": [{"name": name, "of": own} for name in names],
        "marks": [{"key": key, "mark": mark} for key, mark in sorted(marks.items())],
        "spread": {f"x-{key}": f"{mark}!" for key, mark in marks.items()},
        "enabled": [{"name": rule["name"]} for rule in rules if rule["enabled"]],
        "enabledBare": [rule["name"] for rule in rules if rule["enabled"]],
        "ports": [{key: item for key, item in port.items() if item is not None} for port in ports],
        "byName": {key: rule["ports"] for key, rule in by_name.items() if rule["enabled"] and a and rule["ports"]},
        "inner": {key: {k: f"{key}{m}{own}" for k, m in marks.items()} for key in by_name} if marks else {},
        "named": [rule["name"] if rule["name"] == own else {"other": rule["name"]} for rule in rules],
        "whole": {
            **({"rules": [_filled(rule) for rule in rules]} if rules else {}),
            **({"byName": {key: _filled(rule) for key, rule in by_name.items()}} if by_name else {}),
        },
        "when": names if a else [],
        "spliced": ["first", *(names * 3 if a else ["none"])],
        "merged": {"k": "first", **(marks if a else {})},
        "looped": {"k": "first", **({f"b-{k}": m for k, m in marks.items()} if b else {})},
    }


def _filled(rule: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in rule.items() if item != []}


@pytest.fixture(scope="module")
def looped() -> Rendering:
    return probe(
        PieceValues(), lambda v: {"read": [v.more], **_looped(v), "text": yaml_text({"r": v.name, **_looped(v)})}
    )


_OFF = {"name": "x", "enabled": False, "ports": [1]}
_ON = {"name": "n", "enabled": True, "ports": [1000000, 2]}
_EMPTY = {"name": "e", "enabled": True, "ports": []}


@pytest.mark.parametrize("rules", [[], [_OFF], [_OFF, _ON], [_EMPTY], [_EMPTY, _OFF, _ON]])
@pytest.mark.parametrize("marks", [{}, {"m": "1", "k2": "{{"}])
@pytest.mark.parametrize("switches", [(False, False), (True, False), (True, True)])
def test_loops_repeat_their_body(
    looped: Rendering, rules: list[Any], marks: dict[str, str], switches: tuple[bool, bool]
) -> None:
    names = [rule["name"] for rule in rules]
    by_name = {f"r{place}": rule for place, rule in enumerate(rules)}
    values = {
        "a": switches[0],
        "b": switches[1],
        "name": "n",
        "names": names,
        "marks": marks,
        "more": {},
        "rules": rules,
        "byName": by_name,
    }
    body = looped.data({"web": values})
    expected = {key: item for key, item in _looped(None, values).items() if item not in ([], {})}
    (text,) = read_documents(body.pop("text"))
    body.pop("read", None)
    assert body == expected
    assert text == {"r": "n", **expected}


def test_two_maps_in_one_mapping_make_one() -> None:
    def body(v: PieceValues) -> dict[str, Any]:
        return {"map": {"k": "first", **v.marks, "between": "b", **v.more, "last": "l"}, "read": [v]}

    rendering = probe(PieceValues(), body)
    marks = {"k": "marks", "between": "marks", "both": "marks", "last": "marks"}
    more = {"both": "more", "last": "more"}
    for these, those in product(({}, marks), ({}, more)):
        found = rendering.data({"web": {"marks": these, "more": those}})["map"]
        assert found == {"k": "first", **these, "between": "b", **those, "last": "l"}


_MARKS = {"k": "marks", "x": "marks"}


def _overridden(v: Any, values: dict[str, Any] | None = None) -> dict[str, Any]:
    """Mappings in which a later entry may override an earlier one; with ``values``, what they must come out as."""
    x, y, marks, more = (v.a, v.b, v.marks, v.more) if values is None else (values[key] for key in ("a", "b", "m", "o"))

    def put(condition: Any, body: Any, otherwise: Any = None) -> Any:
        return when(condition, body, otherwise) if values is None else body if condition else otherwise or {}

    return {
        "mapThenWhen": {**marks, **put(x, {"k": "ours"})},
        "whenThenMap": {**put(x, {"k": "ours", "z": "z"}), **marks},
        "literals": {"k": "first", **put(x, {"k": "second"}, {"z": "z"})},
        "literalLast": {**put(x, {"k": "first", "z": "z"}), "k": "last"},
        "twoWhens": {**put(x, {"k": "x"}), **put(y, {"k": "y"}, {"z": "z"})},
        "conditionalMaps": {**put(x, marks), "k": "between", **put(y, more)},
        "nested": {"k": "first", **put(x, {"n": "n", **put(y, {"k": "second"}), **marks})},
        "mapInMap": {**marks, **put(x, {**more, "k": "ours"}), "z": "z"},
    }


def test_what_a_condition_puts_overrides_and_is_overridden() -> None:
    rendering = probe(PieceValues(), lambda v: {**_overridden(v), "text": yaml_text(_overridden(v)), "read": [v]})
    for a, b, marks, more in product((False, True), (False, True), ({}, _MARKS), ({}, {"k": "more", "z": "more"})):
        # read_documents refuses a key that stands twice.
        found = rendering.data({"web": {"a": a, "b": b, "marks": marks, "more": more}})
        expected = _overridden(None, {"a": a, "b": b, "m": marks, "o": more})
        expected = {key: item for key, item in expected.items() if item}
        found.pop("read")
        (text,) = read_documents(found.pop("text"))
        assert found == expected
        assert text == expected


def test_a_key_that_a_later_one_leaves_out_leaves_nothing_behind() -> None:
    rendering = probe(PieceValues(), lambda v: {"m": {**when(v.a, {"k": 1}), "k": when(v.b, 2)}, "read": [v]})
    assert "m" not in rendering.data({"web": {"a": True}})
    assert rendering.data({"web": {"a": True, "b": True}})["m"] == {"k": 2}


def test_a_condition_whose_keys_stand_nowhere_else_stays_where_it_is() -> None:
    rendering = probe(PieceValues(), lambda v: {"k": {"a": 1, **when(v.a, {"b": 2}), "c": 3}, "read": [v]})
    lines = [line.strip() for line in rendering.template.partition("k:\n")[2].splitlines()]
    assert lines[:5] == ["a: 1", "{{- if .Values.web.a }}", "b: 2", "{{- end }}", "c: 3"]


@pytest.mark.parametrize(
    "body",
    [
        lambda v: {**each(v.by_name, lambda key, rule: {key: rule.name}), "k": 1},
        lambda v: {"k": 1, **each(v.by_name, lambda key, rule: {key: rule.name})},
        lambda v: {"x-k": 1, **each(v.by_name, lambda key, rule: {f"x-{key}": rule.name})},
        lambda v: {**v.marks, **each(v.by_name, lambda key, rule: {f"x-{key}": rule.name})},
        lambda v: {**each(v.names, lambda name: {name: 1}), **each(v.by_name, lambda key, rule: {key: rule.name})},
        lambda v: {**each(v.names, lambda name: {name: 1}), **when(v.a, {"k": 1})},
        lambda v: {"k": 1, **when(v.a, each(v.names, lambda name: {name: 1}))},
    ],
)
def test_a_loop_that_may_make_a_key_beside_it_is_refused(body: Any) -> None:
    with pytest.raises(DeclarationError, match=r"beside \*\*each\(...\) may be a key that the loop makes"):
        probe(PieceValues(), lambda v: {"m": body(v), "read": [v]})


def test_a_loop_whose_keys_begin_otherwise_stands_beside_others() -> None:
    rendering = probe(
        PieceValues(),
        lambda v: {
            "m": {
                "k": 1,
                **each(v.by_name, lambda key, rule: {f"x-{key}": rule.name}),
                **when(v.a, each(v.by_name, lambda key, rule: {f"y-{key}": rule.name})),
            },
            "read": [v],
        },
    )
    assert rendering.data({"web": {"a": True, "byName": {"k": _ON}}})["m"] == {"k": 1, "x-k": "n", "y-k": "n"}


def test_a_document_of_which_nothing_is_left_is_an_empty_one() -> None:
    rendering = probe(
        PieceValues(),
        lambda v: {
            "map": yaml_text({"a": when(v.a, 1)}),
            "list": yaml_text([*v.names]),
            "loop": yaml_text(each(v.names, lambda name: name)),
            "marks": yaml_text(v.marks),
            "empty": yaml_text({}),
            "items": [yaml_text({"a": v.name})],
            "read": [v],
        },
    )
    body = rendering.data()
    assert (body["map"], body["list"], body["loop"], body["marks"], body["empty"]) == (
        "{}\n",
        "[]\n",
        "[]\n",
        "{}\n",
        "{}\n",
    )
    assert body["items"] == ['a: "n"\n']
    body = rendering.data({"web": {"names": ["x"], "marks": {"m": "1"}, "a": True}})
    assert (body["list"], body["loop"], body["marks"], body["map"]) == ('- "x"\n', '- "x"\n', '"m": "1"\n', "a: 1\n")


def test_a_loop_made_outside_another_keeps_its_own_items() -> None:
    def body(v: PieceValues) -> dict[str, Any]:
        inner = each(v.rules, lambda rule: {"name": rule.name, "note": rule.note})
        outer = each(v.rules, lambda rule: when(present(rule.note), {"of": rule.note, "all": inner}))
        return {"all": [*outer], "read": [v]}

    rules = [{**_ON, "note": "a"}, _OFF]
    assert probe(PieceValues(), body).data({"web": {"rules": rules}})["all"] == [
        {"of": "a", "all": [{"name": "n", "note": "a"}, {"name": "x"}]}
    ]
