"""_helpers.tpl: what Helm itself must compute, the names that follow from the release."""

from __future__ import annotations

__all__ = ["helpers_text"]


def helpers_text(chart: str, limit: int) -> str:
    """The named templates ``<chart>.name``, ``.fullname``, ``.selectorLabels`` and ``.labels``.

    Names follow Helm's conventions (``helm create``): the full name is ``fullnameOverride``, else the release's name
    where it holds the chart's, else both. It is cut to ``limit`` characters, so that a suffix fits into a DNS label.
    """
    name = f'{{{{- define "{chart}.name" -}}}}\n' + (
        '{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}\n{{- end }}\n'
    )
    fullname = f'{{{{- define "{chart}.fullname" -}}}}\n' + (
        "{{- if .Values.fullnameOverride }}\n"
        f'{{{{- .Values.fullnameOverride | trunc {limit} | trimSuffix "-" }}}}\n'
        "{{- else }}\n"
        f'{{{{- $name := include "{chart}.name" . }}}}\n'
        "{{- if contains $name .Release.Name }}\n"
        f'{{{{- .Release.Name | trunc {limit} | trimSuffix "-" }}}}\n'
        "{{- else }}\n"
        f'{{{{- printf "%s-%s" .Release.Name $name | trunc {limit} | trimSuffix "-" }}}}\n'
        "{{- end }}\n{{- end }}\n{{- end }}\n"
    )
    selector = f'{{{{- define "{chart}.selectorLabels" -}}}}\n' + (
        f'app.kubernetes.io/name: {{{{ include "{chart}.name" . | quote }}}}\n'
        "app.kubernetes.io/instance: {{ .Release.Name | quote }}\n{{- end }}\n"
    )
    labels = f'{{{{- define "{chart}.labels" -}}}}\n' + (
        'helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version'
        ' | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}\n'
        f'{{{{ include "{chart}.selectorLabels" . }}}}\n'
        'app.kubernetes.io/version: {{ .Chart.AppVersion | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}\n'
        "app.kubernetes.io/managed-by: {{ .Release.Service | quote }}\n"
        f"app.kubernetes.io/part-of: {chart}\n"
        "{{- end }}\n"
    )
    return "\n".join((name, fullname, selector, labels))
