"""Kubernetes objects out of rendered text."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from floe_charts.verify.kube_yaml import YamlFault, read_documents
from floe_charts.verify.objects import find_duplicates, parse_objects

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n"


def read(text: str) -> object:
    documents = read_documents(text)
    assert len(documents) == 1
    return documents[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("y", True), ("n", False), ("on", True), ("Off", False), ("yes", True), ("true", True), ("tRue", "tRue"),
        ("~", None), ("null", None), ("Null", None), ("nULL", "nULL"),
        ("012", 10), ("0o17", 15), ("08", 8), ("0x1F", 31), ("0b11", 3), ("1_000", 1000), ("-0x1", -1), ("+5", 5),
        ("1e3", 1000.0), ("1E+3", 1000.0), (".5", 0.5), ("5.", 5.0), ("1.2.3", "1.2.3"), ("1e", "1e"), (".", "."),
        ("12:30", "12:30"), ("2020-01-01", "2020-01-01"), ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z"),
        ("=", "="), ("'y'", "y"), ('"012"', "012"), ("!!str 5", "5"), ("! 5", "5"), ("1e400", "1e400"),
        ("18446744073709551616", 1.8446744073709552e19), ("a: b", {"a": "b"}),
    ],
)  # fmt: skip
def test_a_plain_value_is_what_kubernetes_takes_it_for(text: str, value: object) -> None:
    found = read(f"k:\n  {text}\n")
    assert json.dumps(found) == json.dumps({"k": value})


def test_keys_become_strings() -> None:
    assert read("5: a\ny: b\n1.5: c\n0x10: d\n") == {"5": "a", "true": "b", "1.5": "c", "16": "d"}


def test_anchors_and_merges() -> None:
    assert read("a: &a {x: 1, z: 2}\nb:\n  <<: *a\n  z: 3\n") == {"a": {"x": 1, "z": 2}, "b": {"x": 1, "z": 3}}


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "the key 'a' stands twice"),
        ("y: 1\ntrue: 2\n", 2, "stands twice"),
        ("a: [1\n", 2, "did not find expected"),
        ("a: .inf\n", 1, "cannot take"),
        ("a: *nowhere\n", 1, "nowhere"),
        ("? [a]\n: b\n", 1, "a key has to be a string"),
        ("a:\n\t- b\n", 2, "cannot start any token"),
    ],
)
def test_what_is_no_yaml_says_where(text: str, line: int, problem: str) -> None:
    with pytest.raises(YamlFault, match=problem) as caught:
        read_documents(text)
    assert caught.value.line == line


def bomb() -> str:
    """Seven levels of ten aliases each."""
    levels = [f"{name}: &{name} [{','.join([f'*{below}'] * 10)}]\n" for below, name in pairwise("abcdefgh")]
    return "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(levels)


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, bomb()],
    ids=["deep", "bomb"],
)
def test_hostile_yaml_is_refused(text: str) -> None:
    with pytest.raises(YamlFault):
        read_documents(text)


def test_objects_know_their_template_and_place() -> None:
    text = f"{CONFIG.format(name='a')}---\n# nothing\n---\n{CONFIG.format(name='b')}"
    objects, findings = parse_objects(
        {"c/templates/x.yaml": text, "c/templates/NOTES.txt": "a: [", "c/templates/_h.tpl": ":"}
    )
    assert [(str(one), one.template, one.index) for one in objects] == [
        ("ConfigMap a", "c/templates/x.yaml", 0),
        ("ConfigMap b", "c/templates/x.yaml", 1),
    ]
    assert findings == []


def test_a_list_object_is_taken_apart() -> None:
    items = "\n".join("- " + CONFIG.format(name=name).replace("\n", "\n  ").rstrip() for name in "ab")
    objects, findings = parse_objects({"x": f"apiVersion: v1\nkind: List\nitems:\n{items}\n"})
    assert [one.name for one in objects] == ["a", "b"]
    assert findings == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- a\n", "it is a list, not a map"),
        ("just text\n", "it is a single value, not a map"),
        ("kind: X\n", "it has no apiVersion"),
        ("apiVersion: v1\nkind: 5\n", "it has no kind"),
        ("apiVersion: v1\nkind: X\nmetadata: {}\n", "it has no metadata.name"),
        ("apiVersion: v1\nkind: X\nkind: Y\n", "line 3 of the output: the key 'kind' stands twice in one map: kind: Y"),
    ],
)
def test_a_text_that_is_no_object_is_a_finding(text: str, problem: str) -> None:
    objects, findings = parse_objects({"c/templates/x.yaml": text})
    assert objects == []
    assert [one.where for one in findings] == ["c/templates/x.yaml"]
    assert problem in findings[0].message


def config(name: str, *, namespace: str = "", hook: str = "", api: str = "v1") -> str:
    text = f"apiVersion: {api}\nkind: ConfigMap\nmetadata:\n  name: {name}\n"
    text += f"  namespace: {namespace}\n" if namespace else ""
    return text + (f"  annotations: {{helm.sh/hook: '{hook}'}}\n" if hook else "")


@pytest.mark.parametrize(
    ("first", "second", "twice"),
    [
        (config("a"), config("a"), True),
        (config("a"), config("a", namespace="floe-test"), True),
        (config("a"), config("a", namespace="other"), False),
        (config("a"), config("b"), False),
        (config("a"), config("a", api="example.com/v1"), False),
        (config("a", api="example.com/v1"), config("a", api="example.com/v2"), True),
        (config("a"), config("a", hook="test"), True),
        (config("a", hook="pre-install"), config("a", hook="post-delete"), False),
        (config("a", hook="pre-install,pre-upgrade"), config("a", hook="pre-upgrade"), True),
    ],
)
def test_one_object_twice_is_a_finding(first: str, second: str, twice: bool) -> None:
    objects, _ = parse_objects({"t/1.yaml": first, "t/2.yaml": second})
    findings = find_duplicates(objects, "floe-test")
    assert [("t/1.yaml" in one.message, one.where) for one in findings] == ([(True, "t/2.yaml")] if twice else [])


def test_documents_are_cut_where_helm_cuts_them() -> None:
    text = f"{CONFIG.format(name='a')}---# a comment\n{CONFIG.format(name='b')}"
    objects, findings = parse_objects({"t/x.yaml": text})
    assert ([one.name for one in objects], findings) == (["a", "b"], [])


def test_one_bad_document_does_not_hide_the_others() -> None:
    objects, findings = parse_objects(
        {"t/x.yaml": f"{CONFIG.format(name='a')}---\na: 1\na: 2\n---\n{CONFIG.format(name='b')}"}
    )
    assert [one.name for one in objects] == ["a", "b"]
    assert [(one.rule, one.message.partition(":")[0]) for one in findings] == [("invalid-yaml", "line 7 of the output")]
