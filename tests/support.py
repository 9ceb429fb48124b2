"""What tests of several rooms share: charts made by hand, and dependencies that say what they are given."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

SHARED = Path(__file__).resolve().parents[2] / "shared"
"""Real artifacts, charts and schemas beside the repository; tests that read them skip where they are absent."""

_ECHO = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-KEY
data:
  values.yaml: {{ toYaml .Values | quote }}
"""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml(text: str) -> Any:
    """What ``yaml.safe_load`` makes of a text, by libyaml where it is there: values take a tenth of the time."""
    return yaml.load(text, Loader=_Loader)


def load_all_yaml(text: str) -> list[Any]:
    """The documents in a text, as :func:`load_yaml` reads them."""
    return list(yaml.load_all(text, Loader=_Loader))


def write_chart(
    directory: Path,
    templates: Mapping[str, str],
    values: Mapping[str, object] | str = "",
    *,
    schema: Mapping[str, object] | None = None,
    chart: Mapping[str, object] | None = None,
) -> Path:
    """Write a chart named like ``directory`` into it; ``values`` as a map or as YAML text. Returns the directory."""
    about = {"apiVersion": "v2", "name": directory.name, "version": "0.1.0", "icon": "https://example.com/i.png"}
    (directory / "templates").mkdir(parents=True)
    (directory / "Chart.yaml").write_text(yaml.safe_dump({**about, **(chart or {})}), encoding="utf-8")
    text = values if isinstance(values, str) else json.dumps(values, indent=2)
    (directory / "values.yaml").write_text(text, encoding="utf-8")
    for name, template in templates.items():
        (directory / "templates" / name).write_text(template, encoding="utf-8")
    if schema is not None:
        (directory / "values.schema.json").write_text(json.dumps(schema), encoding="utf-8")
    return directory


def with_echo_dependencies(
    chart_dir: str | os.PathLike[str],
    directory: Path,
    defaults: Mapping[str, Mapping[str, object]] | None = None,
) -> Path:
    """A copy of a chart in ``directory`` in which every dependency of Chart.yaml only says what it is given.

    Each dependency is a real subchart of the right name and version whose values.yaml are ``defaults[name]`` (by alias
    or name; nothing by default) and whose one template prints all its values into a ConfigMap. So real Helm shows which
    values reach which dependency, and holds the parent's schema against the values with the subcharts' defaults in
    them.
    """
    copied = directory / Path(chart_dir).name
    shutil.copytree(chart_dir, copied, ignore=shutil.ignore_patterns("charts", "Chart.lock"))
    about = yaml.safe_load((copied / "Chart.yaml").read_text(encoding="utf-8"))
    for dependency in about.get("dependencies") or ():
        name, alias = dependency["name"], dependency.get("alias", dependency["name"])
        subchart = copied / "charts" / name
        if subchart.exists():
            # The same chart twice under two aliases: Helm takes both from one directory.
            continue
        known = defaults or {}
        write_chart(
            subchart,
            {"echo.yaml": _ECHO.replace("KEY", alias)},
            known.get(alias, known.get(name, {})),
            chart={"version": _exact(str(dependency["version"]))},
        )
    return copied


def echoed_values(rendered: Mapping[str, str]) -> dict[str, dict[str, object]]:
    """What each dependency of :func:`with_echo_dependencies` was given, by alias or name."""
    given = {}
    for template, text in rendered.items():
        parts = template.split("/")
        if parts[-1] == "echo.yaml" and "charts" in parts:
            given[parts[parts.index("charts") + 1]] = yaml.safe_load(yaml.safe_load(text)["data"]["values.yaml"])
    return given


def _exact(version: str) -> str:
    """A version that a constraint such as ``~1.2.3`` or ``1.x`` is content with."""
    if re.fullmatch(r"v?\d+\.\d+\.\d+([-+].*)?", version):
        return version
    numbers = re.findall(r"\d+", version.split(",")[0].split(" ")[0])
    return ".".join([*numbers, "0", "0", "0"][:3])
