"""A sound chart that passes every check, and for each check the faults that it alone notices.

A check that goes blind fails here, and so does one that sees what another has to tell. All eleven run together, as
``verify`` runs them; what each finds in detail is tested in its own file.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from floe_charts.verify.findings import CheckResult
from floe_charts.verify.verification import CHECKS, open_subject, run_checks

BOOKSHOP = Path(__file__).parent / "charts" / "bookshop"

AUTOSCALING = '"autoscaling": {\n      "type": "object",\n      '
DEPLOYMENT = "templates/deployment.yaml"
CATALOGUE = "templates/catalogue.yaml"
POLICY = "templates/networkpolicy.yaml"
SCALING = "templates/scaling.yaml"
SCHEMA = "values.schema.json"
SERVICE = "templates/service.yaml"
SETTINGS = "templates/configmap.yaml"

LABELS = '{{- include "bookshop.labels" . | nindent 6 }}'
MISSPELT = "{app.kubernetes.io/name: bookshopp, app.kubernetes.io/instance: '{{ .Release.Name }}'}"
PASSWORD = """\
            - name: DATABASE_PASSWORD
              value: horse-7-staple
"""


class Fault(NamedTuple):
    """``wrong`` stands in a file where ``right`` ought to be: ``check`` says ``rule``, and no other check anything."""

    check: str
    rule: str
    file: str
    right: str
    wrong: str


FAULTS = (
    Fault("lint", "helm", "Chart.yaml", "version: 1.2.3", "version: v1"),
    Fault("lint", "metadata", "Chart.yaml", 'appVersion: "4.5"', "appVersion: 4.5"),
    # In values-dev.yaml only, which switches scaling off.
    Fault("renders", "demanded-by-chart", SCALING, "{{- end }}\n", "{{- else }}{{ fail `never` }}{{ end }}"),
    Fault("renders", "template-error", SCALING, "{{- end }}\n", "{{- else }}{{ include `none` . }}{{ end }}"),
    Fault("renders", "invalid-yaml", CATALOGUE, "nindent 4", "nindent 1"),
    Fault("kubernetes", "unknown-field", DEPLOYMENT, "  selector:", "  minReadySecond: 5\n  selector:"),
    Fault("kubernetes", "wrong-type", SERVICE, "port: 80\n", 'port: "80"\n'),
    # The newest of the two versions has this field, the oldest does not.
    Fault("kubernetes", "unknown-field", DEPLOYMENT, "      serviceA", "      hostnameOverride: b\n      serviceA"),
    Fault("custom-resources", "unknown-field", CATALOGUE, "colours:", "colors:"),
    Fault("custom-resources", "wrong-type", CATALOGUE, ".Values.title | quote", ".Values.title | len"),
    Fault("pod-security", "privilege-escalation", DEPLOYMENT, "Escalation: false", "Escalation: true"),
    Fault("pod-security", "running-as-non-root", DEPLOYMENT, "NonRoot: true", "NonRoot: false"),
    Fault("dead-values", "dead", SCALING, "{{ .Values.autoscaling.maxReplicas }}", "5"),
    Fault("dead-values", "dead", "values-dev.yaml", "greeting:", "global: {region: north}\ngreeting:"),
    Fault("sealed-schema", "open-object", SCHEMA, f'{AUTOSCALING}"additionalProperties": false,', AUTOSCALING),
    Fault("sealed-schema", "loose-type", SCHEMA, '"greeting": {"type": "string"}', '"greeting": {}'),
    Fault("text-safety", "changes-type", SETTINGS, ".Values.greeting | quote", ".Values.greeting"),
    Fault("text-safety", "breaks-yaml", SETTINGS, "{{ .Values.greeting | quote }}", '"{{ .Values.greeting }}"'),
    Fault("text-safety", "changes-text", SETTINGS, ".Values.greeting | quote", ".Values.greeting | squote"),
    Fault("dependencies", "wrong-version", "Chart.yaml", "version: ^1.0.0", "version: ^2.0.0"),
    Fault("references", "missing-target", SCALING, "    name: bookshop\n", "    name: bookshp\n"),
    Fault("references", "service-target-port", SERVICE, "targetPort: http", "targetPort: web"),
    Fault("references", "missing-key", DEPLOYMENT, "key: url", "key: uri"),
    Fault("references", "policy-selects-nothing", POLICY, LABELS, MISSPELT),
    Fault("secrets", "password-literal", DEPLOYMENT, "          env:\n", f"          env:\n{PASSWORD}"),
    # In two parts, for those who scan this file.
    Fault("secrets", "known-token-format", SETTINGS, "  greeting:", "  deploy: AKIA" + "QZ7XW3N5V2M4K6J8\n  greeting:"),
)


def verified(chart: Path) -> Mapping[str, CheckResult]:
    return {result.check: result for result in run_checks(open_subject(chart))}


def test_a_sound_chart_passes_every_check() -> None:
    results = verified(BOOKSHOP)
    assert tuple(results) == CHECKS
    assert [str(finding) for result in results.values() for finding in result.findings] == []
    assert [result.check for result in results.values() if result.skipped or not result.figure] == []


def test_every_check_has_a_fault_of_its_own() -> None:
    assert tuple(dict.fromkeys(fault.check for fault in FAULTS)) == CHECKS


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.check}-{fault.rule}")
def test_a_fault_fails_its_check_and_no_other(fault: Fault, tmp_path: Path) -> None:
    chart = tmp_path / "bookshop"
    shutil.copytree(BOOKSHOP, chart)
    sound = (chart / fault.file).read_text(encoding="utf-8")
    assert fault.right in sound
    (chart / fault.file).write_text(sound.replace(fault.right, fault.wrong, 1), encoding="utf-8")
    failing = [one for result in verified(chart).values() for one in result.findings if one.fails]
    assert {one.check for one in failing} == {fault.check}, [str(one) for one in failing]
    assert fault.rule in {one.rule for one in failing}
