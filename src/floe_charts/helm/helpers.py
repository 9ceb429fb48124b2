"""_helpers.tpl: what Helm itself must compute, the names that follow from the release, and what all objects share."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Helpers", "helpers_text"]


@dataclass(frozen=True)
class Helpers:
    """What the helpers of one chart are made from: the ``chart``'s name, how long a full name may be (``limit``).

    ``labels`` are those that all objects and pods have beside the recommended ones, with the text of their values,
    in which ``$root`` is the root object;
    ``shares`` says whether the values have common labels, and a registry for all images.
    """

    chart: str
    limit: int
    labels: tuple[tuple[str, str], ...] = ()
    shares: bool = False


def helpers_text(helpers: Helpers) -> str:
    """The named templates of a chart, each ``<chart>.<name>``.

    ``name`` and ``fullname`` follow Helm's conventions (``helm create``): the full name is ``fullnameOverride``, else
    the release's name where it holds the chart's, else both. It is cut, so that a suffix fits into a DNS label.
    ``labels`` are for objects, ``podLabels`` for pods, ``selectorLabels`` for selectors, ``image`` is an image's name,
    ``checksum`` what a template's text amounts to.
    """
    chart, limit = helpers.chart, helpers.limit
    name = _define(f"{chart}.name", '{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}')
    fullname = _define(
        f"{chart}.fullname",
        "{{- if .Values.fullnameOverride }}",
        f'{{{{- .Values.fullnameOverride | trunc {limit} | trimSuffix "-" }}}}',
        "{{- else }}",
        f'{{{{- $name := include "{chart}.name" . }}}}',
        "{{- if contains $name .Release.Name }}",
        f'{{{{- .Release.Name | trunc {limit} | trimSuffix "-" }}}}',
        "{{- else }}",
        f'{{{{- printf "%s-%s" .Release.Name $name | trunc {limit} | trimSuffix "-" }}}}',
        "{{- end }}",
        "{{- end }}",
    )
    selector = _define(
        f"{chart}.selectorLabels",
        f'app.kubernetes.io/name: {{{{ include "{chart}.name" . | quote }}}}',
        "app.kubernetes.io/instance: {{ .Release.Name | quote }}",
    )
    labels = _define(
        f"{chart}.labels",
        'helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version'
        ' | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}',
        'app.kubernetes.io/version: {{ .Chart.AppVersion | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}',
        "app.kubernetes.io/managed-by: {{ .Release.Service | quote }}",
        f'{{{{ include "{chart}.podLabels" (list . dict) }}}}',
    )
    labels_of = "mergeOverwrite (dict) $root.Values.commonLabels (index . 1)" if helpers.shares else "index . 1"
    pods = _define(
        f"{chart}.podLabels",
        "{{- $root := index . 0 }}",
        f'{{{{- include "{chart}.selectorLabels" $root }}}}',
        f"app.kubernetes.io/part-of: {chart}",
        *(f"{key}: {text}" for key, text in helpers.labels),
        f"{{{{- with {labels_of} }}}}",
        "{{ toYaml . }}",
        "{{- end }}",
    )
    registry = "(index . 0).Values.imageRegistry | default $image.registry" if helpers.shares else "$image.registry"
    image = _define(
        f"{chart}.image",
        "{{- $image := index . 1 }}",
        f'{{{{- printf "%s/%s:%s" ({registry}) $image.repository $image.tag }}}}',
        "{{- with $image.digest }}@{{ . }}{{ end }}",
    )
    # The labels with versions are left out: pods would roll at every release.
    checksum = _define(
        f"{chart}.checksum",
        '{{- $text := include (print (index . 0).Template.BasePath "/" (index . 1)) (index . 0) }}',
        '{{- regexReplaceAll "(helm.sh/chart|app.kubernetes.io/version): .*" $text "" | sha256sum }}',
    )
    return "\n".join((name, fullname, selector, labels, pods, image, checksum))


def _define(name: str, *lines: str) -> str:
    return "\n".join((f'{{{{- define "{name}" -}}}}', *lines, "{{- end }}")) + "\n"
