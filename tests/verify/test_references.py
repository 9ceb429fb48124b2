"""A sound shop, and for each rule the one change that breaks it."""

import copy
import dataclasses

import pytest
import yaml

from floe_charts.verify.references import check_references
from floe_charts.verify.references.nodes import suggestion
from floe_charts.verify.subject import Provided
from tests.support import write_chart
from tests.verify.subjects import subject_of

SHOP = """\
apiVersion: v1
kind: ServiceAccount
metadata: {name: shop-account}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: shop-settings}
data: {colour: green, shop.yaml: "url: http://shop-web:8080/x\\n# url: http://shop-web:9999\\nhost: shop-web:8080"}
---
apiVersion: v1
kind: Secret
metadata: {name: shop-database}
stringData: {password: none, DATABASE: shop}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: shop-files}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}, storageClassName: shop-storage}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: shop-storage}
provisioner: example.com/disk
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop-web}
spec:
  selector: {matchLabels: {app: shop, tier: web}}
  template:
    metadata: {labels: {app: shop, tier: web}}
    spec:
      serviceAccountName: shop-account
      volumes:
        - name: settings
          configMap: {name: shop-settings, items: [{key: shop.yaml, path: shop.yaml}]}
        - name: whole
          configMap: {name: shop-settings}
        - name: files
          persistentVolumeClaim: {claimName: shop-files}
      containers:
        - name: web
          image: example.com/web:1.0
          args: ["--name=$(NAME)", "--data=$(DATABASE)", "--text=$$(TEXT)"]
          env:
            - {name: COLOUR, valueFrom: {configMapKeyRef: {name: shop-settings, key: colour}}}
            - {name: PASSWORD, valueFrom: {secretKeyRef: {name: shop-database, key: password}}}
            - {name: MAYBE, valueFrom: {secretKeyRef: {name: shop-nothing, key: x, optional: true}}}
            - {name: NAME, value: "the $(COLOUR) shop"}
            - {name: DATA_URL, value: "postgresql://me@shop-data:5432/shop"}
            - {name: DATA_SVC, value: shop-data.floe-test.svc:5432}
            - {name: ELSEWHERE, value: "http://search.example.com:9200 http://search:9200 other.svc http://a.b.svc:1"}
          envFrom: [{secretRef: {name: shop-database}}]
          ports: [{name: http, containerPort: 8080}, {name: metrics, containerPort: 9090}]
          readinessProbe: {httpGet: {port: http, path: /}}
          livenessProbe: {tcpSocket: {port: 8081}}
          resources: {requests: {cpu: 100m}}
          volumeMounts:
            - {name: settings, mountPath: /settings}
            - {name: whole, mountPath: /colour, subPath: colour}
            - {name: files, mountPath: /files}
---
apiVersion: v1
kind: Service
metadata: {name: shop-web, labels: {app: shop, tier: web}}
spec:
  selector: {app: shop, tier: web}
  ports: [{name: http, port: 8080, targetPort: http}, {name: metrics, port: 9090, targetPort: 0}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: shop-data}
spec:
  replicas: 2
  serviceName: shop-data
  selector: {matchLabels: {app: shop, tier: data}}
  template:
    metadata: {labels: {app: shop, tier: data}}
    spec:
      containers:
        - name: data
          image: example.com/data:1.0
          ports: [{name: sql, containerPort: 5432}]
          volumeMounts: [{name: disk, mountPath: /disk}]
  volumeClaimTemplates: [{metadata: {name: disk}, spec: {storageClassName: shop-storage}}]
---
apiVersion: v1
kind: Service
metadata: {name: shop-data}
spec: {selector: {app: shop, tier: data}, ports: [{name: sql, port: 5432, targetPort: 5432}]}
---
apiVersion: v1
kind: Service
metadata: {name: shop-outside}
spec: {type: ExternalName, externalName: mail.example.com}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: shop-data}
spec: {minAvailable: 1, selector: {matchLabels: {app: shop, tier: data}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: shop-data}
spec:
  podSelector: {matchLabels: {app: shop}, matchExpressions: [{key: tier, operator: In, values: [data]}]}
  ingress:
    - from: [{podSelector: {matchLabels: {access: yes-please}}}, {podSelector: {}}]
      ports: [{port: sql}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: shop-all}
spec: {podSelector: {}, policyTypes: [Ingress]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: shop-web}
spec:
  maxReplicas: 3
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop-web}
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, annotations: {cert-manager.io/cluster-issuer: public}}
spec:
  tls: [{hosts: [shop.example.com], secretName: shop-tls}]
  rules:
    - http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: shop-web, port: {name: http}}}}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec: {rules: [{backendRefs: [{name: shop-web, port: 8080}]}]}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: shop}
spec: {selector: {matchLabels: {app: shop, tier: web}}, endpoints: [{port: metrics}]}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: shop-pods}
spec: {selector: {matchLabels: {tier: data}}, podMetricsEndpoints: [{port: sql}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: shop-reader}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: shop-reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: shop-reader}
subjects: [{kind: ServiceAccount, name: shop-account, namespace: floe-test}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: shop-view}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: shop-account, namespace: floe-test}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: shop-hook, annotations: {helm.sh/hook: pre-install, helm.sh/hook-weight: "-5"}}
data: {a: b}
---
apiVersion: batch/v1
kind: Job
metadata: {name: shop-hook, annotations: {helm.sh/hook: "pre-install,pre-upgrade"}}
spec:
  template:
    spec:
      restartPolicy: Never
      volumes: [{name: hook, configMap: {name: shop-hook}}]
      containers: [{name: hook, image: "example.com/hook:1.0", command: [sh, -c, "echo $(DATE)"]}]
---
apiVersion: v1
kind: Pod
metadata: {name: shop-test, annotations: {helm.sh/hook: test}}
spec:
  restartPolicy: Never
  containers:
    - name: test
      image: example.com/test:1.0
      args: ["http://shop-web:8080"]
      envFrom: [{configMapRef: {name: shop-settings}}]
"""

# Rule, what stands in the sound chart, what stands instead, and words of the message and hint.
BROKEN = [
    (
        "missing-secret",
        "envFrom: [{secretRef: {name: shop-database}}]",
        "envFrom: [{secretRef: {name: shop-db}}]",
        "containers[0].envFrom[0].secretRef.name mentions Secret shop-db, which is not in the release; "
        "did you mean shop-database?",
    ),
    (
        "missing-secret",
        "serviceAccountName: shop-account",
        "imagePullSecrets: [{name: pull}]",
        "imagePullSecrets[0].name mentions Secret pull, which is not in the release; if it exists outside",
    ),
    (
        "missing-secret",
        "annotations: {cert-manager.io/cluster-issuer: public}",
        "annotations: {a: b}",
        "spec.tls[0].secretName mentions Secret shop-tls",
    ),
    (
        "missing-secret",
        "kind: ServiceAccount\nmetadata: {name: shop-account}",
        "kind: ServiceAccount\nmetadata: {name: shop-account}\nimagePullSecrets: [{name: registry}]",
        "imagePullSecrets[0].name mentions Secret registry",
    ),
    (
        "missing-config-map",
        "configMap: {name: shop-settings}",
        "projected: {sources: [{configMap: {name: shop-seting}}]}",
        "volumes[1].projected.sources[0].configMap.name mentions ConfigMap shop-seting",
    ),
    (
        "missing-key",
        "key: password}",
        "key: pasword}",
        "valueFrom.secretKeyRef.key mentions the key pasword of Secret shop-database, which has no such key: it holds "
        "DATABASE, password; did you mean password?",
    ),
    (
        "missing-key",
        "items: [{key: shop.yaml",
        "items: [{key: shop.yml",
        "configMap.items[0].key mentions the key shop.yml",
    ),
    ("missing-key", "subPath: colour", "subPath: color", "volumeMounts[1].subPath mentions the key color"),
    (
        "missing-service-account",
        "serviceAccountName: shop-account",
        "serviceAccountName: shop",
        "spec.template.spec.serviceAccountName mentions ServiceAccount shop, which is not in the release",
    ),
    (
        "missing-service-account",
        "name: view}\nsubjects: [{kind: ServiceAccount, name: shop-account, namespace: floe-test}]",
        "name: view}\nsubjects: [{kind: ServiceAccount, name: shop-account, namespace: default}]",
        "subjects[0].name mentions ServiceAccount shop-account in the namespace default, where the release puts none; "
        "the release's own is in floe-test",
    ),
    ("missing-volume-claim", "claimName: shop-files", "claimName: shop-file", "PersistentVolumeClaim shop-file,"),
    (
        "missing-role",
        "kind: Role, name: shop-reader",
        "kind: Role, name: shop-read",
        "roleRef.name mentions Role shop-read,",
    ),
    ("missing-role", "kind: ClusterRole, name: view", "kind: ClusterRole, name: viewer", "mentions ClusterRole viewer"),
    (
        "missing-target",
        "kind: Deployment, name: shop-web}",
        "kind: Deployment, name: shop}",
        "spec.scaleTargetRef.name mentions Deployment shop, which is not in the release",
    ),
    (
        "missing-service",
        "service: {name: shop-web, port",
        "service: {name: shop-wbe, port",
        "http.paths[0].backend.service.name mentions Service shop-wbe, which is not in the release; did you "
        "mean shop-web?",
    ),
    (
        "missing-service",
        "backendRefs: [{name: shop-web,",
        "backendRefs: [{name: web-shop,",
        "backendRefs[0].name mentions Service web-shop",
    ),
    (
        "governing-service",
        "serviceName: shop-data",
        "serviceName: shop-db",
        "spec.serviceName mentions Service shop-db",
    ),
    ("governing-service", "serviceName: shop-data", "serviceName: shop-web", "and so not the pods of this StatefulSet"),
    (
        "missing-service-port",
        "port: {name: http}}}}]}",
        "port: {number: 80}}}}]}",
        "service.port.number mentions port 80 of Service shop-web, which has ports http (8080), metrics (9090)",
    ),
    (
        "missing-service-port",
        "backendRefs: [{name: shop-web, port: 8080}]",
        "backendRefs: [{name: shop-web, port: 80}]",
        "backendRefs[0].port mentions port 80 of Service shop-web",
    ),
    (
        "misspelt-name",
        "storageClassName: shop-storage}\n---",
        "storageClassName: shop-storge}\n---",
        "StorageClass shop-storge, which is not in the release; did you mean shop-storage?",
    ),
    (
        "hook-too-early",
        "configMap: {name: shop-hook}",
        "configMap: {name: shop-settings}",
        "ConfigMap shop-settings, which belongs to the release and does not exist yet when the pre-install",
    ),
    ("hook-too-early", 'helm.sh/hook-weight: "-5"', 'helm.sh/hook-weight: "5"', "one that is made later than this one"),
    (
        "made-by-later-hook",
        "kind: ServiceAccount\nmetadata: {name: shop-account}",
        "kind: ServiceAccount\nmetadata: {name: shop-account, annotations: {helm.sh/hook: test}}",
        "which is made by a hook (test) and is not there at install",
    ),
    (
        "service-selects-nothing",
        "selector: {app: shop, tier: web}\n",
        "selector: {app: shop, tier: front}\n",
        "selects app=shop, tier=front, which no pod of the release carries (Deployment shop-web has tier=web)",
    ),
    (
        "service-target-port",
        "targetPort: http",
        "targetPort: htp",
        "spec.ports[0].targetPort leads to port htp, but Deployment shop-web, which it selects, has ports http (8080), "
        "metrics (9090); did you mean http?",
    ),
    ("service-target-port", "targetPort: 5432", "targetPort: 5433", "leads to port 5433, but StatefulSet shop-data"),
    (
        "workload-selector",
        "selector: {matchLabels: {app: shop, tier: web}}\n  template",
        "selector: {matchLabels: {app: shop, tier: www}}\n  template",
        "spec.selector selects tier=www, but its own pods carry app=shop, tier=web",
    ),
    (
        "budget-selects-nothing",
        "minAvailable: 1, selector: {matchLabels: {app: shop, tier: data}}",
        "minAvailable: 1, selector: {matchLabels: {app: shop, tier: base}}",
        "tier=base, which no pod of the release carries",
    ),
    (
        "budget-never-evicts",
        "{minAvailable: 1, selector",
        "{minAvailable: 60%, selector",
        "spec.minAvailable is 60%, and StatefulSet shop-data runs 2 pods, so none may be evicted",
    ),
    ("budget-never-evicts", "{minAvailable: 1, selector", "{maxUnavailable: 0, selector", "spec.maxUnavailable is 0"),
    (
        "policy-selects-nothing",
        "values: [data]}]}",
        "values: [base]}]}",
        "spec.podSelector selects app=shop, tier=base",
    ),
    (
        "policy-peer",
        "{access: yes-please}",
        "{app.kubernetes.io/instance: floe-platform, a: b}",
        "spec.ingress[0].from[0].podSelector selects app.kubernetes.io/instance=floe-platform, a=b",
    ),
    (
        "policy-port",
        "ports: [{port: sql}]",
        "ports: [{port: 5433}]",
        "spec.ingress[0].ports[0].port leads to port 5433",
    ),
    (
        "autoscaler-without-request",
        "resources: {requests: {cpu: 100m}}",
        "resources: {requests: {memory: 1Gi}}",
        "scales by cpu, but the container web of Deployment shop-web requests no cpu",
    ),
    (
        "autoscaler-container",
        "{type: Resource, resource: {name: cpu,",
        "{type: ContainerResource, containerResource: {name: cpu, container: wbe,",
        "measures the container wbe",
    ),
    (
        "replicas-beside-autoscaler",
        "metadata: {name: shop-web}\nspec:\n  selector",
        "metadata: {name: shop-web}\nspec:\n  replicas: 2\n  selector",
        "whose spec.replicas is set to 2",
    ),
    (
        "monitor-selects-nothing",
        "{selector: {matchLabels: {app: shop, tier: web}}, endpoints",
        "{selector: {matchLabels: {app: shop, tier: wbe}}, endpoints",
        "which no Service of the release carries",
    ),
    ("monitor-selects-nothing", "{matchLabels: {tier: data}}, podM", "{matchLabels: {tier: base}}, podM", "no pod"),
    (
        "monitor-port",
        "endpoints: [{port: metrics}]",
        "endpoints: [{port: metric}]",
        "names port metric, but it selects Service shop-web, which has ports http (8080), metrics",
    ),
    ("monitor-port", "podMetricsEndpoints: [{port: sql}]", "podMetricsEndpoints: [{port: web}]", "leads to port web"),
    (
        "probe-port",
        "httpGet: {port: http, path: /}",
        "httpGet: {port: web, path: /}",
        "containers[0].readinessProbe.httpGet.port names port web, but the container declares ports http (8080)",
    ),
    ("missing-volume", "volumeMounts: [{name: disk,", "volumeMounts: [{name: disc,", "mounts the volume disc"),
    (
        "duplicate-port",
        "{name: metrics, containerPort: 9090}]",
        "{name: http, containerPort: 9090}]",
        "is http, the name",
    ),
    (
        "duplicate-port",
        "{name: sql, containerPort: 5432}]",
        "{name: sql, containerPort: 5432}, {name: more, containerPort: 5432}]",
        "is 5432 (TCP)",
    ),
    (
        "duplicate-variable",
        "{name: DATA_SVC, value",
        "{name: DATA_URL, value",
        "sets DATA_URL, which stands in the list",
    ),
    (
        "undefined-variable",
        "--name=$(NAME)",
        "--name=$(NMAE)",
        "mentions $(NMAE), which the container does not set: Kubernetes leaves it as it stands; did you mean NAME?",
    ),
    (
        "undefined-variable",
        'value: "the $(COLOUR) shop"',
        'value: "the $(DATA_SVC) shop"',
        "set only later in the list",
    ),
    (
        "host-port",
        "postgresql://me@shop-data:5432/shop",
        "postgresql://me@shop-data:5433/shop",
        "mentions postgresql://shop-data:5433, that is port 5433 of Service shop-data, which has port sql (5432)",
    ),
    (
        "host-port",
        "postgresql://me@shop-data:5432/shop",
        "http://shop-data/shop",
        "that is port 80 of Service shop-data",
    ),
    ("host-port", "shop-data.floe-test.svc:5432", "shop-data.floe-test.svc.cluster.local:5000", "port 5000 of Service"),
    ("host-port", "host: shop-web:8080", "host: shop-web:8000", 'data["shop.yaml"] mentions shop-web:8000'),
    ("host-port", '["http://shop-web:8080"]', '["http://shop-web:8081/x"]', "spec.containers[0].args[0] mentions"),
    ("missing-host", "shop-data.floe-test.svc:5432", "shop-base.floe-test.svc:5432", "but Service shop-base is not in"),
    (
        "missing-host",
        "postgresql://me@shop-data:5432/shop",
        "postgresql://me@shop-dataa:5432/shop",
        "mentions postgresql://shop-dataa:5432, but Service shop-dataa is not in the release; did you mean shop-data?",
    ),
    ("missing-host", "host: shop-web:8080", "host: floe-platform-web:8080", "Service floe-platform-web is not in"),
]


def _check(directory, text, provided=(), **more):
    chart = write_chart(directory / "shop", {"all.yaml": text}, **more)
    return check_references(subject_of(chart, provided=provided))


def test_the_sound_shop_has_no_findings(tmp_path):
    result = _check(tmp_path, SHOP)
    assert [str(one) for one in result.findings] == []
    assert result.passed
    assert result.check == "references"
    looked, _, rest = result.figure.partition(" ")
    assert int(looked) > 50
    assert rest == "references among 24 objects"


@pytest.mark.parametrize(("rule", "sound", "broken", "words"), BROKEN, ids=lambda one: one[:30])
def test_each_rule_finds_just_its_fault(tmp_path, rule, sound, broken, words):
    assert SHOP.count(sound) == 1
    result = _check(tmp_path, SHOP.replace(sound, broken))
    assert {one.rule for one in result.findings} == {rule}, [str(one) for one in result.findings]
    (finding, *_) = result.findings
    assert words in str(finding)
    assert finding.where == "shop/templates/all.yaml"
    assert finding.message.startswith(finding.path)
    assert finding.cases == ("defaults",)
    assert result.passed == (rule == "replicas-beside-autoscaler")


def test_what_the_user_provides_exists_with_its_keys(tmp_path):
    text = SHOP.replace("secretKeyRef: {name: shop-database", "secretKeyRef: {name: outside")
    assert {one.rule for one in _check(tmp_path / "a", text).findings} == {"missing-secret"}
    assert not _check(tmp_path / "b", text, [Provided("Secret", "outside")]).findings
    assert not _check(tmp_path / "c", text, [Provided("Secret", "outside", ("password",))]).findings
    (finding,) = _check(tmp_path / "d", text, [Provided("Secret", "outside", ("passphrase",))]).findings
    assert finding.rule == "missing-key"


def test_one_finding_for_all_places_and_all_cases(tmp_path):
    text = SHOP.replace("name: shop-settings, key: colour", "name: {{ .Values.name }}, key: colour")
    text = text.replace("configMap: {name: shop-settings}", "configMap: {name: {{ .Values.name }}}")
    chart = write_chart(tmp_path / "shop", {"all.yaml": text}, {"name": "shop-settings"})
    result = check_references(subject_of(chart, {"a": {"name": "nope"}, "b": {"name": "nope"}, "c": {}}))
    (finding,) = result.findings
    assert finding.cases == ("a", "b")
    assert "ConfigMap nope (and in 1 more place), which" in finding.message


def test_odd_shapes_are_no_crash(tmp_path):
    """Each node of the sound manifests is put to something else in turn, all in one chart with many cases."""
    objects = list(yaml.safe_load_all(SHOP))
    odd = [None, 7, "text", [], [None, "x", 3, ["y"]], {"a": None}, {"name": {"b": [1]}}, True]
    cases = {}
    for number, one in enumerate(objects):
        for place, path in enumerate(_paths(one)):
            changed = copy.deepcopy(one)
            node = changed
            for step in path[:-1]:
                node = node[step]
            node[path[-1]] = odd[(place + number) % len(odd)]
            cases[f"{number}-{place}"] = {"objects": [*objects[:number], changed, *objects[number + 1 :]]}
    template = "{{- range .Values.objects }}\n---\n{{ toYaml . }}\n{{- end }}\n"
    chart = write_chart(tmp_path / "shop", {"all.yaml": template}, {"objects": []})
    subject = subject_of(chart, cases)
    result = check_references(subject)
    assert not subject.failures
    assert result.findings
    assert result == check_references(subject)


def _paths(node, path=()):
    steps = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, below in steps:
        if (*path, step) not in {("kind",), ("apiVersion",), ("metadata",)}:
            yield (*path, step)
        yield from _paths(below, (*path, step))


def test_a_hint_names_what_it_may_be_and_not_another_component(tmp_path):
    texts = {
        "sets.yaml": (
            "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: app-controller}, "
            "spec: {serviceName: app-controller, selector: {matchLabels: {app: a}}, "
            "template: {metadata: {labels: {app: a}}, spec: {containers: [{name: a, image: i, "
            "ports: [{name: http, containerPort: 80}], "
            "env: [{name: A, value: 'http://floe-platform-otel-collector:80'}]}]}}}}"
        ),
        "other.yaml": (
            "{apiVersion: v1, kind: Service, metadata: {name: apps-controller}, "
            "spec: {selector: {app: a}, ports: [{port: 80, targetPort: https}]}}"
        ),
        "jaeger.yaml": (
            "{apiVersion: v1, kind: Service, metadata: {name: floe-platform-jaeger-collector}, "
            "spec: {selector: {app: b}, ports: [{port: 80}]}}"
        ),
    }
    hints = {one.rule: one.hint for one in check_references(subject_of(write_chart(tmp_path / "c", texts))).findings}
    assert hints["governing-service"].startswith("Service apps-controller selects its pods")
    assert hints["service-target-port"] == "name one of its ports"
    assert hints["missing-host"].startswith("if it exists outside the release")


@pytest.mark.parametrize(
    ("name", "known", "near"),
    [
        ("shop-db", "shop-database shop-web", "shop-database"),
        ("shop-pg", "shop-postgres shop-web", "shop-postgres"),
        ("shop-wbe", "shop-web shop-data", "shop-web"),
        ("shop-dagster", "shop-dagster-webserver shop-web", "shop-dagster-webserver"),
        ("shop-otel-collector", "shop-otel shop-web", "shop-otel"),
        ("shop-dagsterwebserver", "shop-dagster-webserver shop-web", "shop-dagster-webserver"),
        ("shop-db", "shop-dagster-webserver shop-web", ""),
        ("shop-code-server", "shop-dagster-webserver shop-web", ""),
        ("shop-code", "shop-code-a shop-code-b", ""),
        ("shop-redis", "shop shop-web", ""),
        ("shop-m", "shop-minio shop-web", ""),
        ("CLIENT_ID", "CLIENT_SECRET", ""),
        ("NMAE", "NAME PORT", "NAME"),
    ],
)
def test_a_suggestion_is_evident_or_none(name, known, near):
    assert suggestion(name, known.split(), "none") == (f"did you mean {near}?" if near else "none")


def test_a_service_is_suggested_only_where_it_has_the_port(tmp_path):
    code = "apiVersion: v1\nkind: Service\nmetadata: {name: shop-code-a}\nspec: {ports: [{port: PORT}]}\n---\n"
    text = code + SHOP.replace("host: shop-web:8080", "host: shop-code:4000")
    text = text.replace("{{ .Release.Name }}", "shop")
    hints = {}
    for port in ("4000", "80"):
        chart = write_chart(tmp_path / port / "shop", {"all.yaml": text.replace("PORT", port)})
        subject = dataclasses.replace(subject_of(chart), release="shop")
        (finding,) = (one for one in check_references(subject).findings if one.rule == "missing-host")
        assert "shop-code:4000, but Service shop-code is not" in finding.message
        hints[port] = finding.hint
    assert hints["4000"] == "did you mean shop-code-a?"
    assert hints["80"].startswith("if it exists outside the release")
