"""The stream that ``helm template`` prints, and the files that it writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from floe_charts.errors import InputError, WriteError
from floe_charts.verify.chart_files import read_chart
from floe_charts.verify.engine import load
from floe_charts.verify.engine_binary import _by_template
from floe_charts.verify.kube_yaml import read_documents
from floe_charts.verify.manifests import INSTALL_ORDER, crd_manifests, manifest_stream, write_manifests
from tests.support import write_chart


def an_object(kind: str, name: str, hook: str | None = None) -> str:
    """A document."""
    annotations = f"  annotations:\n    helm.sh/hook: {hook}\n" if hook else ""
    return f"apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n{annotations}"


RENDERED: Mapping[str, str] = {
    "c/templates/NOTES.txt": "Well done.\n",
    "c/templates/_h.tpl": "",
    "c/templates/a.yaml": f"\n---\n{an_object('Zebra', 'z')}---\n{an_object('Deployment', 'a')}\n\n",
    "c/templates/b.yaml": an_object("Service", "b1") + "--- # second\n" + an_object("ConfigMap", "b2"),
    "c/templates/empty.yaml": "\n# nothing",
    "c/templates/void.yaml": " \n",
    "c/templates/hook.yaml": an_object("ServiceAccount", "h1", "pre-install, post-upgrade"),
    "c/templates/odd.yaml": an_object("Pod", "odd", "sometimes"),
    "c/charts/s/templates/b.yaml": an_object("Aardvark", "s1") + "---" + an_object("Service", "s2"),
    "c/charts/s/templates/NOTES.txt": "Sub.\n",
    "c/templates/tests/t.yaml": an_object("Pod", "t1", "test"),
}


def names(stream: str) -> list[str]:
    """The names of the objects in a stream."""
    found = []
    for document in read_documents(stream):
        assert isinstance(document, dict)
        found.append(document["metadata"]["name"])
    return found


def test_objects_come_in_the_order_of_installation_and_hooks_after_them() -> None:
    stream = manifest_stream(RENDERED)
    assert names(stream) == ["b2", "s2", "b1", "a", "s1", "z", "h1", "t1"]
    sources = re.findall(r"^# Source: (\S+)$", stream, re.MULTILINE)
    assert sources[:2] == ["c/templates/b.yaml", "c/charts/s/templates/b.yaml"]
    assert not {"c/templates/NOTES.txt", "c/templates/_h.tpl", "c/templates/void.yaml"} & set(sources)
    assert "sometimes" not in stream
    assert stream.endswith("helm.sh/hook: test\n")


def test_the_order_is_helms() -> None:
    assert len(INSTALL_ORDER) == len(set(INSTALL_ORDER)) == 38
    kinds = ["Widget", "Ingress", "Gadget", "Secret", "Namespace", "Job"]
    rendered = {f"c/templates/{number}.yaml": an_object(kind, kind.lower()) for number, kind in enumerate(kinds)}
    assert names(manifest_stream(rendered)) == ["namespace", "secret", "job", "ingress", "gadget", "widget"]


def test_what_helm_prints_is_printed_again() -> None:
    stream = manifest_stream(RENDERED)
    assert manifest_stream(_by_template(stream)) == stream


def test_what_is_no_yaml_is_shown_all_the_same() -> None:
    rendered = {"c/templates/a.yaml": "a: {\n", "c/templates/b.yaml": "- x\n", "c/templates/c.yaml": "metadata: [1]\n"}
    assert manifest_stream(rendered).count("# Source") == 3
    assert manifest_stream({}) == ""


def test_notes_come_last_where_they_are_asked_for() -> None:
    assert manifest_stream(RENDERED, include_notes=True) == manifest_stream(RENDERED) + "\nNOTES:\nWell done.\n"
    del_notes = {path: text for path, text in RENDERED.items() if not path.endswith(".txt")}
    assert manifest_stream(del_notes, include_notes=True) == manifest_stream(RENDERED)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["templates/b.yaml"], ["b2", "b1"]),
        (["./templates/b.yaml"], ["b2", "b1"]),
        (["charts/s/templates/b.yaml"], ["s2", "s1"]),
        (["templates/hook.yaml", "templates/b.yaml"], ["h1", "b2", "b1"]),
        (["templates/[ab].yaml"], ["b2", "b1", "a", "z"]),
        (["templates/*/t.yaml"], ["t1"]),
    ],
)
def test_single_templates_are_shown(wanted: list[str], found: list[str]) -> None:
    assert names(manifest_stream(RENDERED, show_only=wanted)) == found


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("templates/bb.yaml", "no such template; did you mean templates/b.yaml?"),
        ("nothing/like/it/at/all.json", "no such template"),
        ("templates/void.yaml", "renders to nothing"),
        ("templates/[a", "never closed"),
    ],
)
def test_a_template_that_gives_nothing_is_named(wanted: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        manifest_stream(RENDERED, show_only=["templates/b.yaml", wanted])
    assert str(caught.value).startswith(f"--show-only: {wanted}: ")


def test_files_are_written_by_template(tmp_path: Path) -> None:
    written = write_manifests(RENDERED, tmp_path / "out")
    assert written[0] == tmp_path / "out" / "c" / "templates" / "b.yaml"
    assert names(written[0].read_text(encoding="utf-8")) == ["b2", "b1"]
    assert {path.relative_to(tmp_path / "out").as_posix() for path in written} == {
        "c/charts/s/templates/b.yaml",
        *(f"c/templates/{name}.yaml" for name in ("a", "b", "empty", "hook", "tests/t")),
    }
    assert sorted(one for one in (tmp_path / "out").rglob("*") if one.is_file()) == sorted(written)
    assert write_manifests(RENDERED, tmp_path / "one", show_only=["templates/a.yaml"]) == [
        tmp_path / "one" / "c" / "templates" / "a.yaml"
    ]


def test_what_cannot_be_written_is_a_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(WriteError, match="cannot be written"):
        write_manifests(RENDERED, tmp_path / "file")


def test_no_file_is_written_outside_the_directory(tmp_path: Path) -> None:
    assert write_manifests({"c/../../../x.yaml": an_object("Pod", "p")}, tmp_path / "out") == [
        tmp_path / "out" / "c" / "x.yaml"
    ]


def test_crds_come_first_where_they_are_asked_for(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c", {"n.yaml": an_object("Namespace", "n1")})
    sub = write_chart(chart / "charts" / "s", {})
    for root, name in ((chart, "x1"), (sub, "y1")):
        (root / "crds").mkdir()
        text = an_object("CustomResourceDefinition", name)
        (root / "crds" / f"{name}.yaml").write_text(text, encoding="utf-8")
        (root / "crds" / "README.md").write_text("text", encoding="utf-8")
    handle = load(chart)
    crds = crd_manifests(read_chart(chart))
    assert list(crds) == ["c/crds/x1.yaml", "c/charts/s/crds/y1.yaml"]
    assert names(manifest_stream(handle.render(), crds=crds)) == ["x1", "y1", "n1"]
    assert names(manifest_stream(handle.render())) == ["n1"]
