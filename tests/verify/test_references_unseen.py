"""What is not in the release, but exists or may exist: made by controllers, by dependencies, at run time."""

import pytest

from floe_charts.verify.references import check_references
from tests.support import write_chart
from tests.verify.subjects import subject_of

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: shop, labels: {app: shop}}
spec:
  containers:
    - name: shop
      image: example.com/shop:1.0
      env:
        - {name: A, valueFrom: {secretKeyRef: {name: NAME, key: KEY}}}
"""

MADE = {
    "external secret": (
        "{apiVersion: external-secrets.io/v1, kind: ExternalSecret, metadata: {name: x}, "
        "spec: {target: {name: made}, data: [{secretKey: password}]}}",
        ("made", "password", "user"),
    ),
    "external secret, all": (
        "{apiVersion: external-secrets.io/v1, kind: ExternalSecret, metadata: {name: made}, "
        "spec: {dataFrom: [{extract: {key: k}}]}}",
        ("made", "anything", None),
    ),
    "external secret, template": (
        "{apiVersion: external-secrets.io/v1, kind: ExternalSecret, metadata: {name: made}, "
        "spec: {target: {template: {data: {url: u}}}, data: [{secretKey: password}]}}",
        ("made", "url", "password"),
    ),
    "sealed secret": (
        "{apiVersion: bitnami.com/v1alpha1, kind: SealedSecret, metadata: {name: made}, "
        "spec: {encryptedData: {password: x}}}",
        ("made", "password", "user"),
    ),
    "certificate": (
        "{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: x}, spec: {secretName: made}}",
        ("made", "tls.key", "key.pem"),
    ),
    "cluster of CloudNativePG": (
        "{apiVersion: postgresql.cnpg.io/v1, kind: Cluster, metadata: {name: made}, spec: {instances: 1}}",
        ("made-app", "dbname", "database"),
    ),
}


def _check(directory, text, **more):
    return check_references(subject_of(write_chart(directory / "shop", {"all.yaml": text}, **more)))


def _rules(result):
    return [one.rule for one in result.findings]


@pytest.mark.parametrize("what", MADE)
def test_secrets_that_controllers_make(tmp_path, what):
    maker, (name, key, no_key) = MADE[what]
    assert _rules(_check(tmp_path / "a", POD.replace("NAME", name).replace("KEY", key) + f"---\n{maker}\n")) == []
    alone = _check(tmp_path / "b", POD.replace("NAME", name).replace("KEY", key))
    assert _rules(alone) == ["missing-secret"]
    if no_key:
        other = _check(tmp_path / "c", POD.replace("NAME", name).replace("KEY", no_key) + f"---\n{maker}\n")
        assert _rules(other) == ["missing-key"]


def test_services_and_pods_of_a_postgres_cluster(tmp_path):
    cluster = MADE["cluster of CloudNativePG"][0]
    budget = (
        "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: b}, "
        "spec: {maxUnavailable: 1, selector: {matchLabels: {cnpg.io/cluster: NAME}}}}"
    )
    ingress = (
        "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i}, "
        "spec: {defaultBackend: {service: {name: NAME, port: {number: 5432}}}}}"
    )
    good = "\n---\n".join([cluster, budget.replace("NAME", "made"), ingress.replace("NAME", "made-rw")])
    assert _check(tmp_path / "a", good).passed
    bad = "\n---\n".join([cluster, budget.replace("NAME", "mad"), ingress.replace("NAME", "made-wr")])
    assert sorted(_rules(_check(tmp_path / "b", bad))) == ["budget-selects-nothing", "missing-service"]


BACKED_UP = """\
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: made}
spec:
  instances: 1
  inheritedMetadata: {labels: {team: data, tier: database}}
  plugins: [{name: barman-cloud.cloudnative-pg.io, parameters: {barmanObjectName: STORE}}]
---
apiVersion: barmancloud.cnpg.io/v1
kind: ObjectStore
metadata: {name: backups}
spec: {configuration: {destinationPath: "s3://b", s3Credentials: {accessKeyId: {name: keys, key: KEY}}}}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
data: {id: eA==}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: fence}
spec: {podSelector: {matchLabels: {team: data, tier: TIER}}, policyTypes: [Ingress]}
"""


def test_labels_and_backups_of_a_postgres_cluster(tmp_path):
    good = BACKED_UP.replace("STORE", "backups").replace("KEY", "id").replace("TIER", "database")
    assert _check(tmp_path / "a", good).passed
    bad = BACKED_UP.replace("STORE", "backup").replace("KEY", "ID").replace("TIER", "web")
    assert sorted(_rules(_check(tmp_path / "b", bad))) == ["missing-key", "missing-target", "policy-selects-nothing"]


DEPENDENT = """\
apiVersion: v1
kind: Service
metadata: {name: front}
spec: {selector: {app.kubernetes.io/name: cellar}, ports: [{port: 80}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: links}
data: {a: "http://floe-platform-wine:9000", b: "http://bottles-web:80 http://floe-platform-wine:9000"}
"""


def _dependent(directory, enabled):
    about = {"dependencies": [{"name": "cellar", "alias": "wine", "version": "1.0.0", "condition": "wine.enabled"}]}
    values = {"wine": {"enabled": enabled, "fullnameOverride": "bottles"}}
    return _check(directory, DEPENDENT, values=values, chart=about)


def test_an_absent_dependency_cannot_be_judged(tmp_path):
    result = _dependent(tmp_path, True)
    assert result.passed
    assert _rules(result) == ["unjudged", "unjudged"]
    assert result.figure.endswith(", 2 not judged (wine absent)")
    assert "the dependency cellar (wine) is switched on, but is not in charts/" in result.findings[0].message


def test_a_dependency_that_is_switched_off_makes_nothing(tmp_path):
    result = _dependent(tmp_path, False)
    assert set(_rules(result)) == {"service-selects-nothing", "missing-host"}
    assert "the dependency wine, which could make it, is switched off" in result.findings[-1].hint


ROLE = """\
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: maker}
rules: [{apiGroups: [""], resources: [RESOURCE], verbs: [create]}]
"""


def test_what_a_pod_makes_at_run_time_cannot_be_judged(tmp_path):
    job = (
        "---\n{apiVersion: batch/v1, kind: Job, metadata: {name: j, annotations: {helm.sh/hook: pre-install}}, "
        "spec: {template: {spec: {containers: [{name: j, args: [--secret-name=made-here]}]}}}}\n"
    )
    pod = POD.replace("NAME", "made-here").replace("KEY", "x")
    assert _rules(_check(tmp_path / "a", pod + job)) == ["missing-secret"]
    assert _rules(_check(tmp_path / "b", pod + job + ROLE.replace("RESOURCE", "secrets"))) == ["unjudged"]
    policy = (
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p}, "
        "spec: {podSelector: {matchLabels: {run: later}}}}\n"
    )
    assert _rules(_check(tmp_path / "c", policy)) == ["policy-selects-nothing"]
    assert _rules(_check(tmp_path / "d", policy + ROLE.replace("RESOURCE", "pods"))) == ["unjudged"]


def test_other_namespaces_are_not_judged(tmp_path):
    binding = (
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: b, namespace: kube-system}, "
        "roleRef: {kind: Role, name: somebody-elses}, subjects: [{kind: ServiceAccount, name: a, namespace: other}]}"
    )
    assert _rules(_check(tmp_path, binding)) == []


def test_what_a_template_without_yaml_may_make_cannot_be_judged(tmp_path):
    """As Marquez' chart does with its ci values: its Deployment is no YAML, and its Service finds no pod."""
    service = (
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
        "spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}\n"
    )
    account = (
        "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {serviceAccountName: web-account, "
        "containers: [{name: p, image: i, env: [{name: A, value: 'http://floe-platform-web:80'}]}]}}"
    )
    sound = write_chart(tmp_path / "a", {"service.yaml": service, "pod.yaml": account})
    assert sorted(_rules(check_references(subject_of(sound)))) == [
        "missing-host",
        "missing-service-account",
        "service-selects-nothing",
    ]
    broken = write_chart(
        tmp_path / "b", {"service.yaml": service, "pod.yaml": account, "web.yaml": "image: %!s(<nil>)"}
    )
    result = check_references(subject_of(broken))
    assert set(_rules(result)) == {"unjudged"}
    assert all("b/templates/web.yaml may make it" in one.message for one in result.findings)
    assert result.figure.endswith("3 not judged (unreadable templates)")
