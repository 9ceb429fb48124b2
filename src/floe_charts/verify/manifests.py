"""What Helm rendered, as ``helm template`` writes it: one stream of YAML in the order of installation, or files.

The order is that of Helm 4 (``pkg/release/util``): by kind, kinds that it does not know after the others and by name,
then by template and place in it; hooks stand behind all other objects. Partials, empty documents and hooks that Helm
does not know are left out, and so is NOTES.txt where nobody asks for it by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from floe_charts.errors import InputError, WriteError, nearest
from floe_charts.verify.chart_files import ChartFiles
from floe_charts.verify.helm_ignore import path_pattern
from floe_charts.verify.kube_yaml import YamlFault, read_documents
from floe_charts.verify.values import get_at

__all__ = ["INSTALL_ORDER", "crd_manifests", "manifest_stream", "write_manifests"]

INSTALL_ORDER = (
    *("PriorityClass", "Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodSecurityPolicy"),
    *("PodDisruptionBudget", "ServiceAccount", "Secret", "SecretList", "ConfigMap", "StorageClass"),
    *("PersistentVolume", "PersistentVolumeClaim", "CustomResourceDefinition", "ClusterRole", "ClusterRoleList"),
    *("ClusterRoleBinding", "ClusterRoleBindingList", "Role", "RoleList", "RoleBinding", "RoleBindingList", "Service"),
    *("DaemonSet", "Pod", "ReplicationController", "ReplicaSet", "Deployment", "HorizontalPodAutoscaler"),
    *("StatefulSet", "Job", "CronJob", "IngressClass", "Ingress", "APIService", "MutatingWebhookConfiguration"),
    "ValidatingWebhookConfiguration",
)
"""The kinds in the order in which Helm installs them."""

_PLACES = {kind: place for place, kind in enumerate(INSTALL_ORDER)}
_SEPARATOR = re.compile(r"^---[ \t]*", re.MULTILINE)
_HOOKS = frozenset(
    f"{when}-{what}" for when in ("pre", "post") for what in ("install", "delete", "upgrade", "rollback")
) | {"test", "test-success"}
_OPTION = "--show-only"


class _Manifest(NamedTuple):
    """One document: the template it came from, its text, and what decides its place."""

    template: str
    text: str
    kind: str
    hook: bool

    def order(self) -> tuple[bool, int, str]:
        """Sorts as Helm does, where what is equal keeps its order."""
        place = _PLACES.get(self.kind)
        return (self.hook, len(_PLACES), self.kind) if place is None else (self.hook, place, "")

    def __str__(self) -> str:
        return f"---\n# Source: {self.template}\n{self.text.rstrip()}\n"


def manifest_stream(
    rendered: Mapping[str, str],
    *,
    show_only: Sequence[str] = (),
    include_notes: bool = False,
    crds: Mapping[str, str] | None = None,
) -> str:
    """The text that ``helm template`` prints for ``rendered``, what a ChartHandle rendered.

    ``show_only`` are templates as ``--show-only`` takes them (``templates/x.yaml``, ``charts/sub/templates/*.yaml``),
    in the order in which they are wanted, NOTES.txt too where it is named; ``crds`` (of :func:`crd_manifests`) come
    first, as ``--include-crds`` prints them; ``include_notes`` puts the chart's NOTES.txt behind everything, as ``helm
    install`` does. Raises InputError where ``show_only`` names what gives nothing.
    """
    shown = "".join(str(one) for one in _shown(rendered, show_only, crds or {}))
    notes = "".join(
        text for path, text in sorted(rendered.items()) if re.fullmatch(r"[^/]+/templates/NOTES\.txt", path)
    )
    return f"{shown}\nNOTES:\n{notes.strip()}\n" if include_notes and notes.strip() else shown


def write_manifests(
    rendered: Mapping[str, str],
    directory: str | Path,
    *,
    show_only: Sequence[str] = (),
    crds: Mapping[str, str] | None = None,
) -> list[Path]:
    """Write one file for each template, ``directory/chart/templates/x.yaml``, as ``helm template --output-dir`` does.

    Returns the files. Files that are there already are replaced, others left alone. Raises InputError where
    ``show_only`` names what gives nothing, and WriteError where a file cannot be written.
    """
    texts: dict[str, str] = {}
    for one in _shown(rendered, show_only, crds or {}):
        texts[one.template] = texts.get(one.template, "") + str(one)
    written = []
    for template, text in texts.items():
        target = Path(directory, *(part for part in template.split("/") if part not in ("", ".", "..")))
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")
        except (OSError, ValueError) as error:
            raise WriteError(str(target), "", f"cannot be written: {getattr(error, 'strerror', error)}") from error
        written.append(target)
    return written


def crd_manifests(chart: ChartFiles) -> dict[str, str]:
    """The files in ``crds/`` of a chart and its subcharts, by path as in what Helm rendered."""
    return _crds(chart, chart.name)


def _crds(chart: ChartFiles, above: str) -> dict[str, str]:
    found = {
        f"{above}/{path}": content.decode("utf-8", "replace")
        for path, content in sorted(chart.files.items())
        if path.startswith("crds/") and path.endswith((".yaml", ".yml", ".json"))
    }
    for name, subchart in chart.subcharts.items():
        found.update(_crds(subchart, f"{above}/charts/{name}"))
    return found


def _shown(rendered: Mapping[str, str], show_only: Sequence[str], crds: Mapping[str, str]) -> list[_Manifest]:
    first = [_Manifest(path, text, "", False) for path, content in crds.items() for text in _documents(content)]
    all_of_them = [*first, *sorted(_manifests(rendered), key=_Manifest.order)]
    if not show_only:
        return all_of_them
    return [one for wanted in show_only for one in _matching(wanted, all_of_them, rendered)]


def _matching(wanted: str, manifests: Sequence[_Manifest], rendered: Mapping[str, str]) -> list[_Manifest]:
    """The manifests of the templates that ``wanted`` names, inside the chart."""
    name = wanted.replace("\\", "/").removeprefix("./")
    try:
        pattern = path_pattern(name)
    except ValueError as error:
        raise InputError(_OPTION, wanted, str(error)) from None
    found = [one for one in manifests if pattern.fullmatch(_inside(one.template))]
    found = found or [
        _Manifest(template, rendered[template].lstrip(), "", False)
        for template in sorted(rendered)
        if _is_notes(template) and rendered[template].strip() and pattern.fullmatch(_inside(template))
    ]
    if found:
        return found
    if any(pattern.fullmatch(_inside(template)) for template in rendered):
        raise InputError(_OPTION, wanted, "this template renders to nothing with these values")
    if _is_notes(name):
        raise InputError(_OPTION, wanted, "the chart has no such notes")
    near = nearest(name, dict.fromkeys(_inside(one.template) for one in manifests))
    raise InputError(_OPTION, wanted, "the chart has no such template", f"did you mean {near}?" if near else "")


def _inside(template: str) -> str:
    """The path inside the chart: ``templates/x.yaml``."""
    return template.partition("/")[2]


def _manifests(rendered: Mapping[str, str]) -> Iterable[_Manifest]:
    for template in sorted(rendered):
        name = template.rpartition("/")[2]
        if name.startswith("_") or _is_notes(template):
            continue
        for text in _documents(rendered[template]):
            kind, hooks = _head(text)
            if hooks is None or all(hook.strip().lower() in _HOOKS for hook in hooks.split(",")):
                yield _Manifest(template, text, kind, hooks is not None)


def _is_notes(template: str) -> bool:
    return template.endswith("NOTES.txt")


def _documents(text: str) -> list[str]:
    """The documents of a text, cut where Helm cuts: also behind ``---`` with something on the same line."""
    return [part.lstrip() for part in _SEPARATOR.split(text.lstrip()) if part.strip()]


def _head(text: str) -> tuple[str, str | None]:
    """The kind of the object in a document, and its hooks; of what is no object, no kind."""
    try:
        data = next(iter(read_documents(text)), None)
    except YamlFault:
        return "", None
    kind = get_at(data, ("kind",))
    hooks = get_at(data, ("metadata", "annotations", "helm.sh/hook"))
    return kind if isinstance(kind, str) else "", hooks if isinstance(hooks, str) else None
