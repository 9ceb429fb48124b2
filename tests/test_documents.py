"""Reading files that somebody else wrote: what is read, and that nothing else than an InputError comes of the rest."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from floe_charts.documents import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_YAML_BYTES,
    check_tree,
    child_path,
    leaves,
    parse_document,
    read_document,
)
from floe_charts.errors import ArtifactError, DocumentError, InputError

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def read(text: str | bytes, source: str = "f") -> object:
    return parse_document(text.encode() if isinstance(text, str) else text, source).data


def refusal(text: str | bytes, source: str = "f") -> str:
    with pytest.raises(DocumentError) as caught:
        read(text, source)
    message = str(caught.value)
    assert message.startswith(f"{source}: ")
    assert "\n" not in message and len(message) < 300
    return message


class TestWhatIsRead:
    @given(JSON)
    def test_any_json_is_read_as_it_is(self, value: object) -> None:
        assert read(json.dumps(value)) == value
        assert read(json.dumps(value, ensure_ascii=False).encode()) == value

    @given(JSON)
    @example({"NaN": None})
    @example({"-Infinity": {"1e999": 1}})
    def test_any_value_that_pyyaml_writes_is_read_as_it_is(self, value: object) -> None:
        for flow in (False, True):
            assert read(yaml.safe_dump(value, default_flow_style=flow)) == value

    def test_a_byte_order_mark_is_passed_over(self) -> None:
        assert read(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}
        assert read(b"\xef\xbb\xbfa: 1") == {"a": 1}

    def test_yaml_scalars_are_yaml_1_1_but_dates_and_times_stay_text(self) -> None:
        text = "a: yes\nb: 0x1f\nc: 1_000\nd: 1.5\ne: ~\nf: 2026-01-15T12:00:00Z\ng: 12:30\nh: '1'\ni: 010\nj: y\n"
        expected = [True, 31, 1000, 1.5, None, "2026-01-15T12:00:00Z", "12:30", "1", 8, "y"]
        assert list(read(text).values()) == expected  # type: ignore[attr-defined]

    def test_yaml_tags_of_plain_types_are_followed(self) -> None:
        assert read("a: !!str 1\nb: !!int '2'\nc: !!map {}\nd: !!seq []") == {"a": "1", "b": 2, "c": {}, "d": []}

    def test_yaml_in_flow_style_is_no_broken_json(self) -> None:
        assert read("{replicas: 3, tags: [a, b]}") == {"replicas": 3, "tags": ["a", "b"]}

    def test_an_alias_is_a_copy(self) -> None:
        data = read("a: &x {n: [1]}\nb: *x\nc: [*x, *x]")
        assert data == {"a": {"n": [1]}, "b": {"n": [1]}, "c": [{"n": [1]}, {"n": [1]}]}
        assert isinstance(data, dict) and data["a"] is not data["b"] and data["a"]["n"] is not data["b"]["n"]

    def test_merge_keys_give_way_to_the_mappings_own(self) -> None:
        text = "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {b: 3, <<: [*x, *y], d: 4}"
        assert read(text)["z"] == {"b": 3, "d": 4, "a": 1, "c": 2}  # type: ignore[index]

    def test_a_key_that_is_a_plain_number_is_text_as_in_helm(self) -> None:
        assert read("8080: http") == {"8080": "http"}

    def test_nesting_up_to_the_limit(self) -> None:
        for text in ("[" * MAX_DEPTH + "]" * MAX_DEPTH, "- " * MAX_DEPTH + "x"):
            value, depth = read(text), 0
            while isinstance(value, list):
                value, depth = value[0] if value else None, depth + 1
            assert depth == MAX_DEPTH


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "is empty"),
            (" \n\t\n", "is empty"),
            ("# nothing\n", "nothing but comments"),
            ('{"a": [1, 2', "line 1, column 12: the JSON text ends in the middle of a value; is the file truncated?"),
            ('{\n  "a": "b', "line 2, column 8: the JSON text ends in the middle"),
            ('{"a": 1} {"a": 2}', "is not JSON: extra data"),
            ('{"a": NaN}', "holds NaN"),
            ('{"a": -Infinity}', "holds -Infinity"),
            ('{"a": 1e999}', "1e999, which is too large"),
            ('{"a": {"b": 1, "c": 2, "b": 3}}', "a: the key 'b' stands twice"),
            ('{"a": "\\ud800"}', "a: found a string with a lone surrogate"),
            ('{"\\udfff": 1}', "keys that are strings"),
            ('{"a": 18446744073709551616}', "a: found a whole number of more than 64 bits"),
            ('{"a": ' + "1" * 5000 + "}", "thousands of digits"),
            ("a: 0x" + "f" * 5000, "more than 64 bits"),
            ("a: 1\nb: 2\na: 3\n", "line 3, column 1: the key 'a' stands twice"),
            ("<<: {a: 1}\n<<: {b: 1}\n", "the key '<<' stands twice"),
            ("a: [1, 2\nb: 3", "line 2"),
            ("a: b: c", "line 1, column 5: is not YAML"),
            ("a: .inf", "expected a finite number"),
            ("a: *b", "line 1, column 4: *b names no anchor"),
            ("a: &a [*a]", "*a names no anchor that is complete"),
            ("a: 1\n---\nb: 2\n", "line 2, column 1: a second document begins"),
            ("a: !!python/object/apply:os.system [ls]", "the tag '!!python/object/apply:os.system' is not accepted"),
            ("a: !vault x", "the tag '!vault' is not accepted"),
            ("a: !!binary aGk=", "'!!binary' is not accepted"),
            ("a: !!set {b}", "'!!set' is not accepted"),
            ("a: !!int abc", "cannot be read as an integer"),
            ("a: !!bool abc", "cannot be read as a boolean"),
            ("a: 0x_", "cannot be read as an integer"),
            ("on: 1", "a key is `on`, which YAML reads as true; expected a string; put it in quotes"),
            ("0123: 1", "which YAML reads as 83"),
            ("? [a]\n: 1", "a key is no string"),
            ("<<: 3", "`<<` takes a mapping"),
            (b"\xff\xfe{\x00}\x00", "is UTF-16 text; expected UTF-8"),
            (b"\x80abc", "byte 1: is not UTF-8 text"),
            (b"\x1f\x8b\x08\x00", "is not UTF-8 text"),
            (b"PK\x03\x04", "line 1, column 3: binary data (byte 0x03)"),
            (b"{}\x00", "binary data (byte 0x00)"),
        ],
    )
    def test_with_the_place_and_what_was_expected(self, text: str | bytes, said: str) -> None:
        assert said in refusal(text)

    @pytest.mark.parametrize(
        "text", ["[" * 200_000, "{" * 200_000, '{"a":' * 200_000, "- " * 200_000, "{a: " * 200_000]
    )
    def test_200_000_brackets(self, text: str) -> None:
        message = refusal(text)
        assert "is nested deeper than 200 levels" in message or "is not JSON" in message

    def test_nesting_beyond_the_limit_names_the_bracket(self) -> None:
        text = '["]",' + "\n[" * MAX_DEPTH + "]" * MAX_DEPTH + "]"
        assert f"f: line {MAX_DEPTH + 1}, column 1: is nested deeper than" in refusal(text)

    def test_an_alias_bomb(self) -> None:
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
        assert "aliases expand to more than 100,000 nodes" in refusal("\n".join(lines))

    def test_aliases_that_add_up_in_depth(self) -> None:
        lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [[[*a{n - 1}]]]" for n in range(1, 100)]
        assert "is nested deeper than 200 levels" in refusal("\n".join(lines))

    def test_a_file_named_json_is_no_yaml(self) -> None:
        assert "is not JSON" in refusal("a: 1", "f.json")
        assert "line 1, column 9: is not JSON" in refusal('{"a": 1,}', "f.JSON")

    def test_yaml_has_a_lower_limit_than_json(self) -> None:
        assert "5 MB of YAML; expected at most 4 MiB; write it as JSON" in refusal(
            "a: " + "b" * (MAX_YAML_BYTES + 10**6)
        )
        assert read(b'"' + b"b" * (MAX_YAML_BYTES + 1) + b'"') == "b" * (MAX_YAML_BYTES + 1)

    @pytest.mark.parametrize(
        "text", ['{"password": "hunter2"', "password: 'hunter2", "password: hunter2: x", "hunter2: [}"]
    )
    def test_values_do_not_appear_in_messages(self, text: str) -> None:
        assert "hunter2" not in refusal(text)

    def test_nothing_takes_long(self) -> None:
        started = time.perf_counter()
        for text in ("[" * 1_000_000, "&a " * 100_000, "[" + "&a [" * 50_000, "? " * 100_000, '"' + "\\" * 100_000):
            refusal(text)
        assert time.perf_counter() - started < 20  # a guard against quadratic behaviour, not a measurement

    @given(st.binary(max_size=300))
    @example(b"\xf0\x9f\x98\x80: \xc2\x85")
    def test_any_bytes_are_read_or_refused(self, text: bytes) -> None:
        self._read_or_refused(text)

    @given(st.text(alphabet="{}[]\"':,&*!-?<|>%@`#\n \\ud0a1.eE+_~", max_size=60))
    @settings(max_examples=300)
    def test_any_text_of_yamls_own_characters_is_read_or_refused(self, text: str) -> None:
        self._read_or_refused(text.encode())

    @staticmethod
    def _read_or_refused(text: bytes) -> None:
        try:
            document = parse_document(text, "f")
        except InputError as error:
            assert str(error).isprintable()
        else:
            json.dumps(document.data, allow_nan=False).encode()
            check_tree(document.data, "f")


class TestFiles:
    def test_a_path_is_named_as_the_user_gave_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "a.yaml").write_text("a: 1")
        monkeypatch.chdir(tmp_path)
        assert read_document("./a.yaml").source == "./a.yaml"
        assert read_document(Path("a.yaml")).data == {"a": 1}

    @pytest.mark.parametrize(
        ("path", "said"),
        [
            ("no/such.json", "no/such.json: no such file"),
            (".", ".: is a directory"),
            ("a\0b", "a\\x00b: cannot be read"),
            ("x" * 5000, "cannot be read: File name too long"),
            ("a\udcff\nb", "a\\udcff\\nb: no such file"),
        ],
    )
    def test_what_cannot_be_opened(self, path: str, said: str) -> None:
        with pytest.raises(DocumentError, match=r"expected|cannot be read") as caught:
            read_document(path)
        assert said in str(caught.value)
        assert str(caught.value).isprintable()

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_a_file_without_permission(self, tmp_path: Path) -> None:
        path = tmp_path / "a.json"
        path.touch(mode=0)
        with pytest.raises(DocumentError, match="permission denied"):
            read_document(path)

    def test_a_file_of_100_mb_is_refused_unread(self, tmp_path: Path) -> None:
        path = tmp_path / "big.json"
        with path.open("wb") as file:
            file.truncate(100_000_000)
        with pytest.raises(DocumentError, match=r"big.json: is too large \(100 MB\); expected at most 64 MiB"):
            read_document(path)

    def test_a_device_without_end(self) -> None:
        with pytest.raises(DocumentError, match="is too large; expected at most 64 MiB"):
            read_document("/dev/zero")

    def test_bytes_in_memory_have_the_same_limit(self) -> None:
        with pytest.raises(DocumentError, match="is too large"):
            parse_document(bytes(MAX_BYTES + 1), "f")


class TestStandardInput:
    def test_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a: 1")))
        document = read_document("-")
        assert (document.data, document.source) == ({"a": 1}, "<stdin>")

    def test_100_mb_are_refused_before_they_are_read_whole(self) -> None:
        code = "import sys; from floe_charts.documents import read_document; read_document('-')"
        producer = subprocess.Popen(["head", "-c", "100000000", "/dev/zero"], stdout=subprocess.PIPE)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", code]
        done = subprocess.run(
            command, stdin=producer.stdout, capture_output=True, text=True, env=environment, check=False
        )
        assert producer.stdout is not None
        producer.stdout.close()
        assert producer.wait() != 0  # its reader went away before the end
        assert "DocumentError: <stdin>: is too large" in done.stderr

    def test_closed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", None)
        with pytest.raises(DocumentError, match="<stdin>: standard input is closed"):
            read_document("-")


class TestTrees:
    @pytest.mark.parametrize(
        ("value", "said"),
        [
            ({"a": [{1: 2}]}, r"f: a\[0\]: found the key 1; expected keys that are strings"),
            ({"a": {"b c": object()}}, r'f: a\["b c"\]: found object; expected JSON'),
            ({"a": float("nan")}, "f: a: found nan; expected a finite number"),
            ({"a": -(2**63) - 1}, "f: a: found a whole number of more than 64 bits"),
            ((1, 2), "f: found tuple; expected JSON"),
        ],
    )
    def test_what_is_no_json_is_refused_with_its_path(self, value: object, said: str) -> None:
        with pytest.raises(ArtifactError, match=said):
            check_tree(value, "f", ArtifactError)

    def test_what_holds_itself_is_too_deep(self) -> None:
        loop: list[object] = []
        loop.extend([loop, loop, {"a": loop}])
        with pytest.raises(DocumentError, match="nested deeper than 200"):
            check_tree(loop, "f")

    def test_paths_of_leaves(self) -> None:
        data = {"a": [1, {"b": None}], "c.d": {"e-f": "x"}, "g": {}, "h": []}
        assert list(leaves(data, "top")) == [("top.a[0]", 1), ("top.a[1].b", None), ('top["c.d"].e-f', "x")]

    @given(st.text(), st.text())
    def test_a_path_is_printable_and_short(self, parent: str, key: str) -> None:
        path = child_path("a", key)
        assert path.isprintable() and path.startswith("a") and len(child_path("", key * 50)) < 1000
