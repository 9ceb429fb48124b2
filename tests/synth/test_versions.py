"""The next version of a chart: what counts as major, minor and patch, and what does not count."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import jsonschema_rs
import pytest
import yaml

from floe_charts.errors import InputError
from floe_charts.synth.schema_changes import schema_changes
from floe_charts.synth.versions import next_version

OWN = Path(__file__).resolve().parents[2] / "charts" / "floe-platform"

Tree = dict[str, Any]


def chart(
    properties: Mapping[str, object] | None = None,
    values: Mapping[str, object] | None = None,
    *,
    version: str = "1.4.2",
    schema: Mapping[str, object] | None = None,
    files: Mapping[str, str] | None = None,
    **about: object,
) -> dict[str, str]:
    """The files of a chart whose values are these properties, closed as generated ones are."""
    shape = {"type": "object", "additionalProperties": False, "properties": properties or {}, **(schema or {})}
    return {
        "Chart.yaml": yaml.safe_dump({"apiVersion": "v2", "name": "shop", "version": version, **about}),
        "values.yaml": yaml.safe_dump(values) if values else "# Nothing.\n",
        "values.schema.json": json.dumps(shape),
        **(files or {}),
    }


def closed(**properties: object) -> Tree:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def ref(name: str) -> Tree:
    return {"$ref": f"#/definitions/{name}"}


STRING: Tree = {"type": "string"}
INTEGER: Tree = {"type": "integer"}


class TestValues:
    @pytest.mark.parametrize(
        ("old", "new", "reason"),
        [
            ({"a": STRING, "b": closed(c=STRING, d=STRING)}, {"b": closed(c=STRING)}, "values removed: a, b.d"),
            ({"a": STRING}, {"a": INTEGER}, "values accept less: a (integer, was string)"),
            ({"a": {"type": ["string", "null"]}}, {"a": STRING}, "values accept less: a (string, was null or string)"),
            ({"a": {"type": "number"}}, {"a": INTEGER}, "values accept less: a (integer, was number)"),
            ({"a": {"enum": ["x", "y"]}}, {"a": {"enum": ["y"]}}, 'values accept less: a (no longer "x")'),
            ({"a": STRING}, {"a": {**STRING, "enum": ["y"]}}, "values accept less: a (only some values now)"),
            ({"a": {"minimum": 1}}, {"a": {"minimum": 2}}, "values accept less: a (minimum 2, was 1)"),
            ({"a": {"maxLength": 9}}, {"a": {"maxLength": 8}}, "values accept less: a (maxLength 8, was 9)"),
            ({"a": INTEGER}, {"a": {**INTEGER, "maximum": 8}}, "values accept less: a (maximum 8 is new)"),
            ({"a": {"pattern": "^a"}}, {"a": {"pattern": "^b"}}, "values accept less: a (another pattern)"),
            ({"a": {"type": "object"}}, {"a": closed()}, "values accept less: a.*"),
            (
                {"a": {"type": "array", "items": closed(b=STRING)}},
                {"a": {"type": "array", "items": closed(b=INTEGER)}},
                "values accept less: a[].b (integer, was string)",
            ),
            (
                {"a": {"type": "object", "additionalProperties": closed(b=STRING)}},
                {"a": {"type": "object", "additionalProperties": closed()}},
                "values removed: a.*.b",
            ),
            (
                {"a": {"anyOf": [STRING, INTEGER]}},
                {"a": {"anyOf": [STRING]}},
                "values accept less: a (an alternative fell away)",
            ),
        ],
    )
    def test_less_is_major(self, old: Tree, new: Tree, reason: str) -> None:
        assert next_version(chart(old), chart(new)) == ("2.0.0", f"major: {reason}")

    @pytest.mark.parametrize(
        ("old", "new", "reason"),
        [
            ({"a": closed()}, {"a": closed(b=closed(c=STRING)), "d": STRING}, "values added: a.b, d"),
            ({"a": STRING}, {"a": {"type": ["string", "null"]}}, "values accept more: a (null or string, was string)"),
            ({"a": INTEGER}, {"a": {"type": "number"}}, "values accept more: a (number, was integer)"),
            ({"a": {"enum": ["x"]}}, {"a": {"enum": ["x", "y"]}}, 'values accept more: a (also "y")'),
            ({"a": {"const": 1}}, {"a": {"enum": [1.0, 2]}}, "values accept more: a (also 2)"),
            (
                {"a": {**INTEGER, "maximum": 8}},
                {"a": {**INTEGER, "maximum": 9}},
                "values accept more: a (maximum 9, was 8)",
            ),
            ({"a": {**STRING, "pattern": "^b"}}, {"a": STRING}, "values accept more: a (pattern fell away)"),
            ({"a": closed()}, {"a": {"type": "object"}}, "values accept more: a.*"),
        ],
    )
    def test_more_is_minor(self, old: Tree, new: Tree, reason: str) -> None:
        assert next_version(chart(old), chart(new)) == ("1.5.0", f"minor: {reason}")

    def test_a_default_or_a_text_is_a_patch(self) -> None:
        old = chart({"a": {**STRING, "description": "An a."}}, {"a": "x"})
        new = chart({"a": {**STRING, "description": "The a."}}, {"a": "y"}, files={"templates/a.yaml": "a: 1"})
        reason = "patch: files changed: templates/a.yaml, values.schema.json, values.yaml"
        assert next_version(old, new) == ("1.4.3", reason)

    def test_required_counts_where_there_is_no_default(self) -> None:
        loose = {"properties": {"b": STRING}, "type": "object"}
        old, new = {"a": {**loose}}, {"a": {**loose, "required": ["b"]}}
        assert next_version(chart(old), chart(new)).reason == "major: values accept less: a.b (required now)"
        assert next_version(chart(old), chart(new, {"a": {"b": ""}})).version == "1.4.3"
        assert next_version(chart(new), chart(old)).version == "1.5.0"
        opened = [chart(schema={"additionalProperties": True, "required": names}) for names in (["b"], [])]
        assert next_version(*opened).reason == "minor: values accept more: b (required no longer)"
        in_map = [{"a": {"type": "object", "additionalProperties": one["a"]}} for one in (old, new)]
        assert next_version(*(chart(one, {"a": {"*": {"b": ""}}}) for one in in_map)).version == "2.0.0"

    def test_a_new_value_that_is_required_and_has_a_default_is_minor(self) -> None:
        new = chart({"a": STRING}, {"a": "x"}, schema={"required": ["a"]})
        assert next_version(chart(), new) == ("1.5.0", "minor: values added: a")

    def test_definitions_are_followed(self) -> None:
        def with_definition(name: str, shape: Tree) -> dict[str, str]:
            recursive = closed(next=ref(name), value=shape)
            return chart(
                {"a": ref(name), "b": {"type": "array", "items": ref(name)}}, schema={"definitions": {name: recursive}}
            )

        assert next_version(with_definition("Node", STRING), with_definition("Knot", STRING)).version == "1.4.3"
        found = next_version(with_definition("Node", STRING), with_definition("Node", INTEGER))
        assert found.version == "2.0.0" and "a.value (integer, was string), b[].value (integer" in found.reason

    def test_a_rule_between_values(self) -> None:
        rule = {"if": {"required": ["a"]}, "then": {"required": ["b"]}}
        properties = {"a": STRING, "b": STRING}
        free, ruled = chart(properties), chart(properties, schema={"allOf": [rule]})
        assert (
            next_version(free, ruled).reason == "major: values accept less: the values (a rule between values is new)"
        )
        assert next_version(ruled, free).version == "1.5.0"
        assert next_version(ruled, chart(properties, schema={"allOf": [{**rule, "$comment": "b"}]})).version == "1.4.3"

    @pytest.mark.parametrize(
        ("rule", "reason"),
        [
            ({"then": {"properties": {"new": INTEGER}}}, ""),
            ({"else": {"properties": {"old": {"properties": {"new": {"not": STRING}}}}}}, ""),
            ({"then": {"required": ["new"], "properties": {"new": {"enum": [1, 2]}}}}, ""),
            ({"then": {"properties": {"new": {"allOf": [ref("One")]}}}}, ""),
            ({"then": {"properties": {"new": {"enum": [2]}}}}, "the default is another"),
            ({"then": {"properties": {"new": ref("Two")}}}, "the default is another"),
            ({"then": {"properties": {"new": False}}}, "there is a default"),
            ({"then": {"required": ["newer"]}}, "has no default"),
            ({"then": {"properties": {"new": INTEGER, "old": {"minProperties": 1}}}}, "binds old values too"),
            ({"then": {"properties": {"old": {"properties": {"a": {"enum": ["b"]}}}}}}, "binds an old value"),
            ({"then": {"properties": {"open": {"properties": {"new": INTEGER}}}}}, "was accepted before"),
            ({"then": {"not": {"properties": {"new": STRING}}}}, "refuses all that have no such value"),
            ({"then": False}, "refuses all"),
        ],
    )
    def test_a_rule_for_new_values_is_minor(self, rule: Tree, reason: str) -> None:
        rule = {"if": {"properties": {"old": {"required": ["a"]}}}, **rule}
        before = {"old": closed(a=STRING), "open": {"type": "object"}}
        after = {"old": closed(a=STRING, new=INTEGER), "open": {"type": "object"}, "new": INTEGER, "newer": STRING}
        definitions = {"One": {"const": 1}, "Two": {"const": 2}}
        new = chart(after, {"new": 1}, schema={"allOf": [rule], "definitions": definitions})
        found = next_version(chart(before), new)
        if reason:
            assert found == ("2.0.0", "major: values accept less: the values (a rule between values is new)"), reason
        else:
            assert found == ("1.5.0", "minor: values added: old.new, new, newer")

    def test_names_of_keys_come_and_go_one_by_one(self) -> None:
        old, new = (
            chart({"a": {"type": "object", "propertyNames": {"enum": names, "maxLength": 9}}})
            for names in (["x", "y"], ["x", "y", "z"])
        )
        assert next_version(old, new) == ("1.5.0", "minor: values added: a.z")
        assert next_version(new, old) == ("2.0.0", "major: values removed: a.z")

    def test_many_are_not_all_named(self) -> None:
        new = chart({f"v{place}": STRING for place in range(8)})
        assert next_version(chart(), new).reason == "minor: values added: v0, v1, v2, v3, v4 and 3 more"


class TestEntries:
    """Entries of maps that have defaults: the products of a platform."""

    ITEM: ClassVar = {**closed(b=STRING), "required": ["b"]}

    def versions(self, old: Tree, new: Tree, entry: object = None) -> tuple[str, str]:
        shape = {"a": {"type": "object", "additionalProperties": self.ITEM if entry is None else entry}}
        return next_version(*(chart(shape, {"a": one}) for one in (old, new)))

    def test_come_and_go(self) -> None:
        one, two = {"x": {"b": ""}}, {"x": {"b": "c"}, "y": {"b": ""}}
        assert self.versions(one, two) == ("1.5.0", "minor: values added: a.y")
        assert self.versions(two, one) == ("2.0.0", "major: values removed: a.y")
        assert self.versions(one, {"x": {"b": "c"}}).version == "1.4.3"

    def test_of_scalars_are_no_values_of_their_own(self) -> None:
        assert self.versions({"x": "1"}, {"y": "1"}, STRING).version == "1.4.3"

    def test_of_a_map_that_takes_anything_are_no_values_of_their_own(self) -> None:
        assert self.versions({"x": {}}, {"y": {}}, True).version == "1.4.3"

    def test_of_maps_behind_references(self) -> None:
        shape = {"a": ref("Map")}
        made = {"definitions": {"Map": {"type": "object", "additionalProperties": self.ITEM}}}
        old, new = (chart(shape, {"a": one}, schema=made) for one in ({"x": {"b": ""}}, {"y": {"b": ""}}))
        assert next_version(old, new).reason == "major: values removed: a.x"


class TestChart:
    @pytest.mark.parametrize(
        ("old", "new", "expected"),
        [
            (">=1.28.0-0", ">=1.30.0-0", ("2.0.0", "major: Kubernetes >=1.30.0-0, was >=1.28.0-0")),
            (">=1.28.0-0", ">=1.26.0-0", ("1.5.0", "minor: Kubernetes >=1.26.0-0, was >=1.28.0-0")),
            ("", ">=1.26.0-0", ("2.0.0", "major: Kubernetes >=1.26.0-0, was any version")),
        ],
    )
    def test_kubernetes(self, old: str, new: str, expected: tuple[str, str]) -> None:
        assert next_version(chart(kubeVersion=old), chart(kubeVersion=new)) == expected

    @pytest.mark.parametrize(
        ("old", "new", "expected"),
        [
            ("1.12.17", "2.0.0", ("2.0.0", "major: dagster 2.0.0, was 1.12.17")),
            ("1.12.17", "1.13.0", ("1.5.0", "minor: dagster 1.13.0, was 1.12.17")),
            ("1.12.17", "1.12.18", ("1.4.3", "patch: files changed: Chart.yaml")),
            ("0.170.0", "0.171.0", ("1.5.0", "minor: dagster 0.171.0, was 0.170.0")),
            ("~1.2", "~1.3", ("1.5.0", "minor: dagster ~1.3, was ~1.2")),
            (None, "1.0.0", ("1.5.0", "minor: dependencies added: dagster")),
            ("1.0.0", None, ("2.0.0", "major: dependencies removed: dagster")),
        ],
    )
    def test_dependencies(self, old: str | None, new: str | None, expected: tuple[str, str]) -> None:
        charts = [chart(dependencies=[{"name": "dagster", "version": one}] if one else []) for one in (old, new)]
        assert next_version(*charts) == expected

    def test_nothing_changed(self) -> None:
        assert next_version(chart(), chart(version="9.9.9")) == ("1.4.2", "nothing changed")

    def test_the_first_one_stands(self) -> None:
        assert next_version({}, chart(version="0.1.0")) == ("0.1.0", "the first version")

    def test_the_version_in_the_readme_does_not_count_and_others_do(self) -> None:
        text = "Chart 1.4.2, for product 1.4.20 and 11.4.2.\n\nhelm install --version 1.4.2\n"
        old = chart(files={"README.md": text})
        new = chart(version="1.5.0", files={"README.md": re.sub(r"\b1\.4\.2\b", "1.5.0", text)})
        assert next_version(old, new).version == "1.4.2"
        other = chart(version="1.5.0", files={"README.md": new["README.md"].replace("11.4.2", "11.4.3")})
        assert next_version(old, other) == ("1.4.3", "patch: files changed: README.md")

    def test_the_list_of_generated_files_does_not_count(self) -> None:
        assert next_version(chart(), chart(files={".floe-charts-files": "a"})).version == "1.4.2"

    @pytest.mark.parametrize("version", ["1.2", "v1.2.3", "1.2.3\n", None, 1.2])
    def test_a_version_that_is_none_is_refused(self, version: object) -> None:
        with pytest.raises(InputError, match=r"Chart\.yaml: version: found .*; expected a semantic version"):
            next_version(chart(version=version), chart())  # type: ignore[arg-type]

    def test_a_schema_that_is_none_is_refused(self) -> None:
        with pytest.raises(InputError, match=r"values\.schema\.json: is not JSON"):
            next_version(chart(files={"values.schema.json": "{"}), chart())


PATCH, MINOR, MAJOR = chart(files={"x": ""}), chart({"a": STRING}), chart(kubeVersion=">=9.0.0")


class TestNumber:
    @pytest.mark.parametrize(
        ("version", "expected"),
        [
            ("1.4.2", ("1.4.3", "1.5.0", "2.0.0")),
            ("0.1.0", ("0.1.1", "0.2.0", "0.2.0")),
            ("1.4.2+build.7", ("1.4.3", "1.5.0", "2.0.0")),
            ("1.4.2-rc.1", ("1.4.2", "1.5.0", "2.0.0")),
            ("1.5.0-rc.1", ("1.5.0", "1.5.0", "2.0.0")),
            ("2.0.0-rc.1", ("2.0.0", "2.0.0", "2.0.0")),
        ],
    )
    def test_is_raised_as_semver_has_it(self, version: str, expected: tuple[str, str, str]) -> None:
        old = chart(version=version)
        assert tuple(next_version(old, new).version for new in (PATCH, MINOR, MAJOR)) == expected

    def test_below_one_a_major_change_is_called_so(self) -> None:
        assert next_version(chart(version="0.1.0"), MAJOR).reason.startswith("major (below 1.0.0 the middle number): ")


class TestOwnChart:
    FILES: ClassVar = {str(path.relative_to(OWN)): path.read_text() for path in OWN.rglob("*") if path.is_file()}

    def test_is_the_same_as_itself(self) -> None:
        assert next_version(self.FILES, copy.deepcopy(self.FILES)).reason == "nothing changed"
        schema = json.loads(self.FILES["values.schema.json"])
        assert schema_changes(schema, copy.deepcopy(schema)) == []

    def test_a_value_more_or_less(self) -> None:
        schema = json.loads(self.FILES["values.schema.json"])
        del schema["properties"]["imageRegistry"]
        fewer = {**self.FILES, "values.schema.json": json.dumps(schema)}
        assert next_version(self.FILES, fewer).reason.endswith("values removed: imageRegistry")
        assert next_version(fewer, self.FILES).reason == "minor: values added: imageRegistry"


# -- properties: whatever the schemas are, what was accepted and no longer is counts as less ---------------------------

# By plain chance, which in the same time makes a hundred times as many schemas as Hypothesis.
KEYS = ("a", "b", "ab")
ATOMS: tuple[Any, ...] = (None, True, False, -2, -1, 0, 1, 2, 3, 0.5, 1.0, 2.5, "", "a", "b", "ab", "aab")
TYPES = ("string", "integer", "number", "boolean", "null", "object", "array")
ONE, TWO = ({"$ref": f"#/definitions/{name}"} for name in ("one", "two"))
ROUNDS = range(4)
PAIRS = 1500


def value(chance: Random, depth: int = 2) -> Any:
    kind = chance.randrange(4) if depth else 0
    if kind == 2:
        return [value(chance, depth - 1) for _ in range(chance.randrange(3))]
    if kind == 3:
        return {key: value(chance, depth - 1) for key in chance.sample(KEYS, chance.randrange(4))}
    return chance.choice(ATOMS)


def some(chance: Random, **made: Callable[[], Any]) -> Tree:
    """One to three of the keywords, each with what its function makes."""
    return {key: made[key]() for key in chance.sample(sorted(made), min(len(made), chance.choice((1, 1, 2, 3))))}


def scalar(chance: Random) -> Tree:
    return some(
        chance,
        type=lambda: chance.choice((chance.choice(TYPES), chance.sample(TYPES, chance.randint(1, 3)))),
        enum=lambda: chance.sample(ATOMS, chance.randint(1, 3)),
        const=lambda: chance.choice(ATOMS),
        minimum=lambda: chance.randint(-1, 3),
        maximum=lambda: chance.randint(-1, 3),
        exclusiveMinimum=lambda: chance.randint(-1, 3),
        minLength=lambda: chance.randrange(4),
        maxLength=lambda: chance.randrange(4),
        pattern=lambda: chance.choice(("a", "^b")),
        multipleOf=lambda: chance.randint(1, 2),
        description=lambda: chance.choice("xy"),
    )


def schema(chance: Random, depth: int = 3, *, refers: bool = True) -> Any:
    """A schema; a definition that may itself be referred to ``refers`` to none: such a loop has no sense."""
    kind = chance.randrange(12)
    if kind < 1:
        return chance.choice((True, False))
    if kind < 2 and refers:
        return chance.choice((ONE, TWO))
    if kind < 5 or not depth:
        return scalar(chance)

    def inner() -> Any:
        return schema(chance, depth - 1, refers=refers)

    def inners() -> list[Any]:
        return [inner() for _ in range(chance.randint(1, 2))]

    if kind < 9:
        return some(
            chance,
            type=lambda: "object",
            properties=lambda: {key: inner() for key in chance.sample(KEYS, chance.randint(1, 2))},
            additionalProperties=inner,
            patternProperties=lambda: {key: inner() for key in chance.sample(("^a", "b$"), chance.randint(1, 2))},
            propertyNames=lambda: scalar(chance),
            required=lambda: chance.sample(KEYS, chance.randrange(3)),
            minProperties=lambda: chance.randrange(4),
            maxProperties=lambda: chance.randrange(4),
        )
    if kind < 10:
        return some(
            chance,
            items=inner,
            minItems=lambda: chance.randrange(4),
            maxItems=lambda: chance.randrange(4),
            uniqueItems=lambda: chance.choice((True, False)),
        )
    made = {"allOf": inners, "anyOf": inners, "oneOf": inners, "not": inner, "if": inner, "then": inner, "else": inner}
    return some(chance, **made)


def whole(chance: Random) -> Tree:
    """A schema with two definitions, of which one refers to others inside its properties."""
    made = schema(chance)
    if not isinstance(made, dict) or "$ref" in made:
        made = {"properties": {"a": made}}
    two = {"properties": {key: schema(chance, 2) for key in chance.sample(KEYS, chance.randrange(3))}}
    return {**made, "definitions": {"one": scalar(chance), "two": chance.choice((two, scalar(chance)))}}


def places(made: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where a schema stands inside a schema."""
    found = [path] if path else []
    if isinstance(made, dict):
        for key, below in made.items():
            if key in ("properties", "patternProperties", "definitions"):
                found += [place for name, one in below.items() for place in places(one, (*path, key, name))]
            elif key in ("allOf", "anyOf", "oneOf"):
                found += [place for index, one in enumerate(below) for place in places(one, (*path, key, index))]
            elif key in ("additionalProperties", "propertyNames", "items", "not", "if", "then", "else"):
                found += places(below, (*path, key))
    return found


def pair(chance: Random) -> tuple[Tree, Tree]:
    """Two schemas that have most things in common: one is the other with a part exchanged."""
    old = whole(chance)
    if chance.randrange(5) == 0:
        return old, whole(chance)
    new = copy.deepcopy(old)
    *above, last = chance.choice(places(old))
    at: Any = new
    for key in above:
        at = at[key]
    at[last] = scalar(chance) if "definitions" in (last, *above) else schema(chance, 2)
    return old, new


@pytest.mark.parametrize("round", ROUNDS)
def test_what_is_accepted_no_longer_counts_as_less(round: int) -> None:
    chance = Random(round)
    for _ in range(PAIRS):
        old, new = pair(chance)
        kinds = {one.kind for one in schema_changes(old, new)}
        before, after = (jsonschema_rs.Draft7Validator(one) for one in (old, new))
        for one in [value(chance) for _ in range(12)]:
            if before.is_valid(one) and not after.is_valid(one):
                assert kinds & {"removed", "narrowed"}, (old, new, one)
            if after.is_valid(one) and not before.is_valid(one):
                assert kinds, (old, new, one)


def merged(defaults: Any, given: Any) -> Any:
    """What Helm makes of values over defaults."""
    if not isinstance(defaults, dict) or not isinstance(given, dict):
        return given
    return {**defaults, **{key: merged(defaults.get(key), one) for key, one in given.items()}}


def grown(chance: Random) -> tuple[Tree, Tree, Tree]:
    """A closed schema, the same with keys and a rule more, and the defaults of these keys."""
    anything: Tree = {key: {} for key in KEYS}
    new = closed(**{key: chance.choice(({}, closed(**anything))) for key in KEYS})
    old, defaults = copy.deepcopy(new), {}
    for key in chance.sample(KEYS, chance.randint(1, 2)):
        if chance.randrange(2) and (inner := old["properties"][key].get("properties")):
            del inner["b"]
        else:
            del old["properties"][key]
            if chance.randrange(2):
                defaults[key] = {"a": value(chance, 1)} if new["properties"][key] else value(chance, 1)

    def said(depth: int = 2) -> Any:
        keys = chance.sample(KEYS, chance.randint(1, 2))
        return some(
            chance,
            properties=lambda: {key: said(depth - 1) if depth else schema(chance, 1) for key in keys},
            **({"required": lambda: keys} if chance.randrange(3) == 0 else {}),
            **({"allOf": lambda: [said(depth - 1)]} if depth and chance.randrange(3) == 0 else {}),
        )

    rule = {"if": schema(chance, 2), "then": said(), **({"else": said()} if chance.randrange(2) else {})}
    two = {"one": scalar(chance), "two": scalar(chance)}
    return {**old, "definitions": two}, {**new, "definitions": two, "allOf": [rule]}, defaults


@pytest.mark.parametrize("round", ROUNDS)
def test_a_new_rule_that_takes_something_counts_as_less(round: int) -> None:
    chance, harmless, narrowed = Random(round), 0, 0
    for _ in range(PAIRS):
        old, new, defaults = grown(chance)
        takes = bool({one.kind for one in schema_changes(old, new, defaults)} & {"removed", "narrowed"})
        harmless, narrowed = harmless + (not takes), narrowed + takes
        before, after = (jsonschema_rs.Draft7Validator(one) for one in (old, new))
        for one in [value(chance) for _ in range(12)]:
            if isinstance(one, dict) and before.is_valid(one) and not after.is_valid(merged(defaults, one)):
                assert takes, (old, new, defaults, one)
    assert min(harmless, narrowed) > PAIRS // 20  # neither side of it was hardly tried


@pytest.mark.parametrize("round", ROUNDS)
def test_a_schema_is_the_same_as_itself(round: int) -> None:
    chance = Random(round)
    for _ in range(PAIRS):
        made = whole(chance)
        assert schema_changes(made, copy.deepcopy(made)) == []


@pytest.mark.parametrize("round", ROUNDS)
def test_no_change_one_way_is_none_the_other_way(round: int) -> None:
    """But for a key that is declared where every key was good already: that is new, and not missed afterwards."""
    chance = Random(round)
    for _ in range(PAIRS):
        old, new = pair(chance)
        there, back = ({one.kind for one in schema_changes(*both)} for both in ((old, new), (new, old)))
        assert back or there <= {"added"}, (old, new)
        assert there or back <= {"added"}, (old, new)
