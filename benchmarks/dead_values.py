"""How long the dead value check takes, by the number of leaves.

The charts are made here: texts, numbers, switches, lists and maps in parts of ten leaves, of which a tenth is read by
no template and every fourth part is switched off. The largest takes about a quarter of a second to render.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

from floe_charts.verify.dead import check_dead_values
from floe_charts.verify.engine import find_helm
from floe_charts.verify.subject import Case, Subject

SIZES = (100, 300, 1000)
_SLOW_LOOPS = 500_000

_PART = """\
{{- with .Values.NAME }}
{{- if .enabled }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: NAME
data:
  title: {{ .title | quote }}
  size: {{ .size | int64 | quote }}
  {{- if .verbose }}
  level: debug
  {{- end }}
  mode: {{ if eq .mode "fast" }}"1"{{ else }}"0"{{ end }}
  items: {{ toJson .items | quote }}
  labels: {{ toJson .labels | quote }}
  limit: {{ mul (int64 .limit) 2 | quote }}
  hosts: {{ len .hosts | quote }}
{{- end }}
{{- end }}
"""


def main() -> None:
    """Print a line for each size."""
    for count, seconds, renders, render, missed in measure_all():
        verdict = "all dead ones found" if not missed else f"{missed} dead ones MISSED or wrong"
        print(f"{count:5} leaves: {seconds:6.1f} s, {renders:5} renders of {render:.3f} s; {verdict}")


def measure() -> list[tuple[int, float, int]]:
    """Leaves, seconds and renders for each size."""
    return [(count, seconds, renders) for count, seconds, renders, _, _ in measure_all()]


def measure_all() -> list[tuple[int, float, int, float, int]]:
    """Leaves, seconds, renders, seconds of one render, and how many verdicts are wrong, for each size."""
    return [_measure(count) for count in SIZES]


def _measure(count: int) -> tuple[int, float, int, float, int]:
    with tempfile.TemporaryDirectory() as directory:
        dead = _write_chart(Path(directory) / "bench", count)
        helm = find_helm()
        chart = helm.load(Path(directory) / "bench")
        subject = Subject(
            path=Path(directory) / "bench",
            helm=helm,
            chart=chart,
            cases=(Case("defaults", {}),),
            kube_versions=("1.34",),
        )
        start = time.perf_counter()
        chart.render({}, kube_version="1.34")
        render = time.perf_counter() - start
        start = time.perf_counter()
        result = check_dead_values(subject)
        seconds = time.perf_counter() - start
    found = {finding.path for finding in result.findings if finding.rule == "dead"}
    renders = int(result.figure.split(" values in ")[1].split(" ")[0])
    return count, seconds, renders, render, len(found ^ dead)


def _write_chart(directory: Path, count: int) -> set[str]:
    """Write a chart with so many leaves; the paths of those that nothing reads."""
    (directory / "templates").mkdir(parents=True)
    (directory / "Chart.yaml").write_text("apiVersion: v2\nname: bench\nversion: 0.1.0\n", encoding="utf-8")
    values: dict[str, Any] = {}
    for number in range(count // 10):
        name = f"part{number:03}"
        values[name] = {
            "enabled": number % 4 != 3,
            "title": f"Part {number}",
            "size": number,
            "verbose": False,
            "mode": "slow",
            "items": [],
            "labels": {},
            "limit": 5,
            "hosts": ["a"],
            "titel": "misspelt",
        }
        (directory / "templates" / f"{name}.yaml").write_text(_PART.replace("NAME", name), encoding="utf-8")
    loops = _SLOW_LOOPS * count // SIZES[-1]
    slow = f"{{{{- range until {loops} }}}}{{{{- $_ := add . 1 }}}}{{{{- end }}}}\n"
    (directory / "templates" / "slow.yaml").write_text(slow, encoding="utf-8")
    (directory / "values.yaml").write_text(json.dumps(values), encoding="utf-8")
    return {f"{name}.titel" for name in values}


if __name__ == "__main__":
    main()
