"""Texts of lines inside manifests, and values as JSON for programs."""

from __future__ import annotations

import json
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import StringConstraints

from floe_charts.errors import DeclarationError
from floe_charts.helm import Field, Values, each, join, text_lines, to_json, when
from tests.helm.rendering import HOSTILE_TEXTS, Rendering, any_text, probe

_Word = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9.\"-]+$")]
_Text = Annotated[str, StringConstraints(pattern=r"^([!-~][ -~]*)?$")]
printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30).filter(
    lambda text: not text.startswith(" ")
)


class Person(Values):
    """A person."""

    name: str = Field("", description="A name.")


class FileValues(Values):
    """What a configuration file is made of."""

    name: _Text = Field("n", description="A name.")
    free: str = Field("n", description="Any text.")
    count: int = Field(1, description="A number.")
    ratio: float = Field(0.5, description="A share.")
    on: bool = Field(True, description="A switch.")
    words: list[_Word] = Field(["a", "b"], description="Words.")
    texts: list[str] = Field([], description="Any texts.")
    settings: dict[_Word, _Text] = Field({}, description="Settings.")
    people: dict[str, Person] = Field({"root": Person(name="r")}, description="People.")


@pytest.fixture(scope="module")
def file() -> Rendering:
    return probe(
        FileValues(),
        lambda v: {
            "text": text_lines(
                "# first {{ . }}",
                f"name={v.name}",
                f"numbers={v.count} {v.ratio} {v.on}",
                f"words={join(',', v.words)}",
                *when(v.on, ["on=1", *each(v.words, lambda word: f"word={word}")]),
                *each(v.settings, lambda key, value: f"{key}={value}"),
            ),
            "read": [v],
        },
    )


@settings(max_examples=50, deadline=None)
@given(
    name=printable,
    count=st.integers(-(10**9), 10**9),
    on=st.booleans(),
    words=st.lists(st.sampled_from(["a", "b.c", 'x"y"', "-"]), max_size=3),
    marks=st.dictionaries(st.sampled_from(["z", "a", 'f."X"']), printable, max_size=3),
)
def test_lines_come_out_as_they_went_in(
    file: Rendering, name: str, count: int, on: bool, words: list[str], marks: dict[str, str]
) -> None:
    values = {"name": name, "count": count, "on": on, "words": words, "settings": marks}
    expected = [
        "# first {{ . }}",
        f"name={name}",
        f"numbers={count} 0.5 {str(on).lower()}",
        f"words={','.join(words)}",
        *(["on=1", *(f"word={word}" for word in words)] if on else []),
        *(f"{key}={value}" for key, value in sorted(marks.items())),
    ]
    assert file.data({"web": values})["text"] == "".join(f"{line}\n" for line in expected)


def test_the_template_reads_like_the_file(file: Rendering) -> None:
    assert "    name={{ .Values.web.name }}\n" in file.template
    assert "    {{- range $key, $item := .Values.web.settings }}\n    {{ $key }}={{ $item }}\n" in file.template


@pytest.mark.parametrize(
    "line",
    [
        lambda v: f"a={v.free}",
        lambda v: f"a={join(',', v.texts)}",
        lambda v: f"a={to_json(v.settings)}",
        lambda v: v.settings,
        lambda v: "a\nb",
        lambda v: "ü",
        lambda v: 3,
    ],
)
def test_what_could_end_a_line_is_refused(line: Any) -> None:
    with pytest.raises(DeclarationError, match="a line of a text takes printable ASCII"):
        probe(FileValues(), lambda v: {"text": text_lines(line(v)), "read": [v]})


def test_join_takes_texts() -> None:
    with pytest.raises(DeclarationError, match=r"join takes a list of strings, but .*count is an integer"):
        probe(FileValues(), lambda v: {"text": join(",", v.count), "read": [v]})


@pytest.fixture(scope="module")
def program() -> Rendering:
    def json_of(v: Any) -> str:
        return f'{{"people": {to_json(v.people)}, "texts": {to_json(v.texts)}, "count": {to_json(v.count)}}}'

    return probe(FileValues(), lambda v: {"json": json_of(v), "read": [v]})


@settings(max_examples=50, deadline=None)
@given(
    texts=st.lists(any_text | st.sampled_from(HOSTILE_TEXTS), max_size=3), name=any_text, count=st.integers(0, 10**15)
)
def test_json_holds_any_value(program: Rendering, texts: list[str], name: str, count: int) -> None:
    people = {"root": {"name": name}, "a": {"name": "b"}}
    made = program.data({"web": {"texts": texts, "people": people, "count": count}})
    assert json.loads(made["json"]) == {"people": people, "texts": texts, "count": count}
