"""Charts made in a test, written to disk and rendered by real Helm."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import helm_python
from hypothesis import strategies as st

from floe_charts.helm import Component, HelmChart, Values
from floe_charts.verify.kube_yaml import read_documents

RELEASE, NAMESPACE = "shop", "market"

# Everything that Helm's values can hold: Go has no lone surrogates.
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
HOSTILE_TEXTS = [
    "", " ", "true", "no", "y", "null", "~", "0123", "1e3", "12:30", "2001-01-01", "=", "<<", "0x1F", "1_000", ".inf",
    "-", "- a", "? a", "a: b", "a #b", "#a", "&a", "*a", "!a", "%a", "@a", "`a", "|", ">", "'", '"', "\\", "\\n",
    "{a}", "[a]", "{{ .Values }}", "{{", "}}", "{{{", "{{- x -}}", "{{/* */}}", "a {{ b", "{", "%s %d %%", "${HOME}",
    "---", "...", "\n", "a\n", "\na", "a\n\n", "a\nb", " a\n  b\n", "a \nb", "\ta", "a\tb", "\r", "a\r\nb", "\x00",
    "\x07", "\x1b", "\x7f", "\x80", "\x85", "\x9f", "a\u0085b", "\u2028", "a\u2029b", "\ufeff", "\ufeffa", "\ufffe",
    "\uffff", "\ue000", "\ue001", "ä", "\u00a0", "\U0001f600", "\U000e0001", "\U0010ffff", "k" * 300, "ü" * 300,
]  # fmt: skip


@contextmanager
def written(files: Mapping[str, str]) -> Iterator[Path]:
    """A directory that holds the files, for as long as the block lasts."""
    with TemporaryDirectory() as name:
        for file, text in files.items():
            path = Path(name, file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        yield Path(name)


class Rendering:
    """A chart that Helm has loaded and renders again and again."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files
        with written(files) as directory:
            self._chart = helm_python.Chart.load(str(directory))

    def lint(self, values: Mapping[str, Any] | None = None) -> list[str]:
        """What `helm lint --strict` complains about."""
        with written(self.files) as directory:
            report = helm_python.lint(str(directory), dict(values or {}), strict=True)
        return [message["error"] for message in report.get("messages") or () if message["severity"] > 1]

    def refused(self, values: Mapping[str, Any]) -> bool:
        """Whether the chart's schema refuses the values."""
        try:
            self._chart.validate_schema(dict(values))
        except helm_python.HelmValuesError:
            return True
        return False

    def merged(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values that templates see."""
        merged: dict[str, Any] = self._chart.merge_values(dict(values))
        return merged

    def texts(self, values: Mapping[str, Any] | None = None) -> dict[str, str]:
        """What each template gives, by its file's name."""
        made = self._chart.render(dict(values or {}), name=RELEASE, namespace=NAMESPACE)
        return {path.rpartition("/")[2]: text for path, text in made.items()}

    def objects(self, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The objects that come out, by their file's name, as Kubernetes reads them."""
        found = {name: read_documents(text) for name, text in self.texts(values).items() if name != "NOTES.txt"}
        # A copy, because the reader gives the same objects for the same text again.
        return {name: deepcopy(documents[0]) for name, documents in found.items() if documents}

    def data(self, values: Mapping[str, Any] | None = None) -> Any:
        """The body of the one ``Probe`` object of :func:`probe`."""
        return self.objects(values)["web-probe.yaml"].get("body")

    @cached_property
    def template(self) -> str:
        """The text of the one template of :func:`probe`."""
        return self.files["templates/web-probe.yaml"]


def probe(values: Values, body: Callable[[Any], Any]) -> Rendering:
    """A chart with one object of a kind that Kubernetes does not know; ``body`` makes its ``body`` of references."""

    class Probe(Component[Values]):
        def build(self, v: Any) -> None:
            self.add({"apiVersion": "test/v1", "kind": "Probe", "metadata": {"name": "probe"}, "body": body(v)})

    chart = HelmChart("probes", description="A chart for a test.", icon="https://example.com/icon.png")
    Probe(chart, "web", values)
    return Rendering(chart.files())
