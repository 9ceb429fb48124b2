"""What a deployment file must not say, and what the user reads then."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from floe_charts.deployment import Deployment, Environment
from floe_charts.errors import DeploymentError


def error(data: object) -> str:
    """The message for a file with this content, without the file's name."""
    with pytest.raises(DeploymentError) as caught:
        Deployment.parse(data, source="f")
    lines = str(caught.value).split("\n")
    assert all(line.startswith("f: ") for line in lines), lines
    return "\n".join(line.removeprefix("f: ") for line in lines)


def cluster(*environments: object, **more: object) -> dict[str, Any]:
    return {"environments": list(environments), **more}


def preset(cpu: object = "1", memory: object = "1Gi", cpu_limit: object = "1", memory_limit: object = "1Gi") -> object:
    requests, limits = {"cpu": cpu, "memory": memory}, {"cpu": cpu_limit, "memory": memory_limit}
    return {"presets": {"mine": {"requests": requests, "limits": limits}}}


def repository(address: object) -> object:
    return {"components": {"polaris": {"chart": {"repository": address}}}}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "found an empty list; expected a mapping with some of the keys chart, jobs,"),
        (None, "found nothing (null); expected a mapping"),
        ("text", "found 'text'; expected a mapping"),
        ({"cluters": {}}, "cluters: there is no such setting; did you mean clusters"),
        (
            {"qqq": {}},
            "qqq: there is no such setting; known: chart, jobs, clusters, environments, presets, components, values",
        ),
        ({"clusters": None}, "clusters: found nothing (null); expected a mapping"),
        ({"clusters": {}}, "clusters: found an empty mapping; expected at least one entry"),
        ({"clusters": {"a": cluster()}}, "clusters.a.environments: found an empty list; expected at least one entry"),
        ({"clusters": {"a": {}}}, "clusters.a.environments: this setting is missing; expected: Environments in"),
        ({"environments": {"dev": None}}, "environments.dev: found nothing (null); expected a mapping"),
        ({"environments": {"dev": {"kind": "prodution"}}}, "did you mean production"),
        ({"environments": {"dev": {"highAvailability": "yes"}}}, "found 'yes'; expected true or false"),
        ({"environments": {"dev": {"values": []}}}, "environments.dev.values: found an empty list; expected a mapping"),
        ({"environments": {"devv": {}}}, "environments.devv: no cluster names this environment; did you mean dev;"),
        ({"components": {"postgre": {}}}, "components.postgre: there is no such setting; did you mean postgres"),
        (
            {"components": {"postgres": {"strategy": "native"}}},
            "components.postgres.strategy: there is no such setting",
        ),
        ({"components": {"otel": {"strategy": "nativ"}}}, "did you mean native"),
        ({"environments": {"dev": {"secrets": "generatd"}}}, "did you mean generated"),
        ({"environments": {"dev": {"secrets": None}}}, "found nothing (null); expected 'existing', 'external' or"),
        ({"environments": {"dev": {"networkPolices": True}}}, "there is no such setting; did you mean networkPolicies"),
        ({"environments": {"dev": {"networkPolicies": "on"}}}, "found 'on'; expected true or false"),
        ({"environments": {"dev": {"quota": True}}}, "environments.dev.quota: there is no such setting; did you mean"),
        ({"environments": {"dev": {"quotas": 1}}}, "environments.dev.quotas: found the number 1; expected true or"),
        ({"value": {}}, "value: there is no such setting; did you mean values"),
        ({"values": []}, "values: found an empty list; expected a mapping"),
        (
            {"components": {"otel": {"enabled": 1}}},
            "components.otel.enabled: found the number 1; expected true or false",
        ),
        ({"chart": {"version": 1.0}}, "chart.version: found the number 1.0; expected text; put it in quotes"),
        ({"chart": {"version": 10**5000}}, "chart.version: found a very large number; expected text"),
        ({"chart": {"appVersion": "a\nb"}}, "chart.appVersion: found 'a\\nb'; expected one line of text"),
    ],
)
def test_says_where_and_what(data: object, message: str) -> None:
    assert message in error(data)


@pytest.mark.parametrize("name", ["../up", "a/b", "Dev", "a_b", "", "-a", "a-", "a.b", "a" * 41, "a\n", "ä", "{env}"])
@pytest.mark.parametrize("place", ["environment", "cluster", "preset", "chart", "fullname"])
def test_names_are_dns_labels(name: str, place: str) -> None:
    data = {
        "environment": {"clusters": {"a": cluster(name)}},
        "cluster": {"clusters": {name: cluster("dev")}},
        "preset": {"presets": {name: {}}},
        "chart": {"chart": {"name": name}},
        "fullname": {"chart": {"fullname": name}},
    }[place]
    assert "cannot be a name; expected at most 40 lower-case letters" in error(data)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"chart": {"fullname": "2x"}}, "chart.fullname: '2x' cannot begin names of objects; expected a letter first"),
        ({"jobs": {"fullname": "2x"}}, "jobs.fullname: '2x' cannot begin names of objects"),
        ({"jobs": {"name": "2x"}}, "jobs.name: '2x' cannot begin names of objects"),
        ({"jobs": {"name": "a" * 21}}, "cannot be a name; expected at most 20 lower-case letters"),
        ({"jobs": {"name": "floe-platform"}}, "jobs.name: floe-platform is the platform's chart.name too"),
        (
            {"jobs": {"shards": 2}, "chart": {"name": "floe-jobs-2"}},
            "jobs.name: floe-jobs is the platform's chart.name",
        ),
        ({"jobs": {"fullname": "floe-platform"}}, "jobs.fullname: floe-platform is the platform's chart.fullname too"),
        ({"jobs": {"shards": 0}}, "jobs.shards: "),
        ({"jobs": {"shards": 1025}}, "jobs.shards: "),
        ({"jobs": {"shard": 2}}, "jobs.shard: there is no such setting; did you mean shards"),
    ],
)
def test_the_chart_of_jobs(data: dict[str, Any], said: str) -> None:
    assert said in error(data)


@pytest.mark.parametrize(
    "template", ["floe/{env}", "floe-{name}", "{{env}}", "Floe", "", "floe_{env}", "../{env}", "{env}\n"]
)
def test_templates_hold_env_and_dns_characters(template: str) -> None:
    assert "cannot be a namespace template" in error({"clusters": {"a": cluster("dev", namespace=template)}})


class TestClusters:
    """Environments on clusters."""

    def test_an_environment_lives_in_one_cluster(self) -> None:
        message = error({"clusters": {"a": cluster("x"), "b": cluster("x", "y")}})
        assert (
            message == "clusters.b.environments: x is named here and in clusters.a; an environment lives in one cluster"
        )

    def test_an_environment_is_named_once(self) -> None:
        assert "x is named twice" in error({"clusters": {"a": cluster("x", "x")}})

    def test_namespaces_of_a_cluster_differ(self) -> None:
        message = error({"clusters": {"a": cluster("x", "y", namespace="floe")}})
        assert message == "clusters.a.namespace: x and y would share the namespace floe; put {env} into the template"

    def test_two_names_of_one_context_are_one_cluster(self) -> None:
        one = {"namespace": "floe", "context": "kind"}
        assert "would share the namespace" in error({"clusters": {"a": cluster("x", **one), "b": cluster("y", **one)}})
        other = one | {"context": "other"}
        assert Deployment.parse({"clusters": {"a": cluster("x", **one), "b": cluster("y", **other)}})

    def test_a_namespace_fits_kubernetes(self) -> None:
        long = error({"clusters": {"a": cluster("e" * 40, namespace="n" * 30 + "{env}")}})
        assert "which is no namespace; expected at most 63 characters" in long
        assert "which is no namespace" in error({"clusters": {"a": cluster("x", namespace="-{env}")}})
        assert "belongs to Kubernetes" in error({"clusters": {"a": cluster("system", namespace="kube-{env}")}})

    @pytest.mark.parametrize("context", ["", "--kubeconfig=x", "a b", "a\tb", "a\x1b[2J"])
    def test_a_context_is_one_word(self, context: str) -> None:
        assert "is not a kubeconfig context" in error({"clusters": {"a": cluster("x", context=context)}})


class TestPresets:
    """Amounts of CPU and memory."""

    def test_a_missing_preset_is_named_with_the_nearest(self) -> None:
        data = {"environments": {"dev": {"resources": "lage"}}, "components": {"marquez": {"resources": "smal"}}}
        known = "known: small, medium, large"
        assert error(data).split("\n") == [
            f"environments.dev.resources: nonexistent preset lage; did you mean large; {known}",
            f"components.marquez.resources: nonexistent preset smal; did you mean small; {known}",
        ]

    @pytest.mark.parametrize(
        ("amounts", "message"),
        [
            ({"cpu": "1001m"}, "requests.cpu 1001m is above limits.cpu 1"),
            ({"cpu": 2, "cpu_limit": "1999m"}, "requests.cpu 2 is above limits.cpu 1999m"),
            ({"memory": "1025Mi"}, "requests.memory 1025Mi is above limits.memory 1Gi"),
            ({"memory": "1Gi", "memory_limit": "1G"}, "requests.memory 1Gi is above limits.memory 1G"),
            ({"memory_limit": 1073741823}, "requests.memory 1Gi is above limits.memory 1073741823"),
            ({"memory_limit": "1e9"}, "requests.memory 1Gi is above limits.memory 1e9"),
        ],
    )
    def test_requests_stay_below_limits(self, amounts: dict[str, object], message: str) -> None:
        assert error(preset(**amounts)).startswith(f"presets.mine: {message}; ")

    @pytest.mark.parametrize(
        "amounts",
        [
            {"cpu": "1000m", "cpu_limit": 1},
            {"memory": "1024Mi", "memory_limit": "1Gi"},
            {"memory": "1G", "memory_limit": "1Gi"},
            {"memory": "0.5Gi"},
            {"memory": "1048576Ki"},
            {"memory": "1e9"},
            {"cpu": 0.001},
        ],
    )
    def test_quantities_compare_by_amount(self, amounts: dict[str, object]) -> None:
        assert Deployment.parse(preset(**amounts))

    @pytest.mark.parametrize("cpu", ["0", "-1", "1Gi", "1.5m", "0.0001", "one", "", " 1", "1\n", "1,5", True, 1e-9, -2])
    def test_an_invalid_amount_of_cpu(self, cpu: object) -> None:
        assert "is not an amount of CPU; expected cores or millicores" in error(preset(cpu=cpu))

    @pytest.mark.parametrize("memory", ["0", "-1Gi", "1gi", "1GB", "1 Gi", "Gi", "", True, "1Gi\n", "1e", "1e999"])
    def test_an_invalid_amount_of_memory(self, memory: object) -> None:
        assert "is not an amount of memory; expected bytes" in error(preset(memory=memory))

    def test_millibytes_are_a_slip(self) -> None:
        assert "'256m' of memory is 256 thousandths of a byte; did you mean 256Mi" in error(preset(memory="256m"))


class TestSecrets:
    """Where they come from."""

    @pytest.mark.parametrize("name", ["qa", "staging", "prod"])
    def test_none_are_generated_where_passwords_must_last(self, name: str) -> None:
        message = error({"environments": {name: {"secrets": "generated"}}})
        kind = "production" if name == "prod" else "staging"
        assert message == (
            f"environments.{name}.secrets: generated Secrets are for development and test, and this environment's kind "
            f"is {kind}; a GitOps controller would make new passwords at each sync: take existing or external"
        )

    def test_the_kind_decides_and_not_the_name(self) -> None:
        generated = {"kind": "production", "secrets": "generated"}
        assert "kind is production" in error({"environments": {"dev": generated}})
        clusters = {"a": cluster("sandbox")}
        sandbox = {"sandbox": {"kind": "test", "secrets": "generated"}}
        assert Deployment.parse({"clusters": clusters, "environments": sandbox})

    def test_a_wrong_kind_is_the_one_fault(self) -> None:
        message = error({"environments": {"prod": {"kind": "prodution", "secrets": "generated"}}})
        assert message.startswith("environments.prod.kind: found 'prodution'") and "\n" not in message

    def test_the_same_in_python(self) -> None:
        with pytest.raises(ValidationError, match="generated Secrets are for development and test"):
            Environment(kind="production", secrets="generated")
        assert Environment(kind="test", secrets="generated").secrets == "generated"


class TestSources:
    """Where charts come from."""

    @pytest.mark.parametrize(
        "version", ["1.0", "^1.2.0", ">=1.0.0", "1.x", "latest", "", "1.02.0", "1.0.0-", "1.0.0\n"]
    )
    def test_versions_are_exact(self, version: str) -> None:
        for data in ({"chart": {"version": version}}, {"components": {"otel": {"chart": {"version": version}}}}):
            assert "is not a version; expected one exact semantic version" in error(data)

    @pytest.mark.parametrize("version", ["1.2.3", "v1.2.3", "1.2.0-incubating", "1.0.0-rc.1+build.5"])
    def test_semantic_versions_are_taken(self, version: str) -> None:
        assert Deployment.parse({"components": {"polaris": {"chart": {"version": version}}}})

    @pytest.mark.parametrize("chart", ["chart", "jobs"])
    def test_versions_of_our_own_have_no_v(self, chart: str) -> None:
        said = f"{chart}.version: 'v1.2.3' begins with a v, which Helm's strict lint refuses; expected 1.2.3"
        assert said in error({chart: {"version": "v1.2.3"}})

    @pytest.mark.parametrize(
        "address",
        [
            "https://mirror.acme.io:8443/helm",
            "oci://registry.acme.io/charts",
            "file://../dagster",
            "@acme",
            "file:///srv/c",
        ],
    )
    def test_mirrors_are_taken(self, address: str) -> None:
        assert Deployment.parse(repository(address)).components.polaris.chart.repository == address

    @pytest.mark.parametrize(
        ("address", "message"),
        [
            ("http://acme.io/helm", "is not encrypted"),
            ("ftp://acme.io", "is not a chart repository; expected https://HOST/PATH, oci://HOST/PATH"),
            ("acme.io/charts", "is not a chart repository"),
            ("https://", "is not a chart repository"),
            ("https:///path", "is not a chart repository"),
            ("@", "is not a chart repository"),
            ("", "is not a chart repository"),
            ("https://acme.io/a b", "is not a chart repository"),
            ("https://acme.io/{{ .Values.x }}", "is not a chart repository"),
            ("https://acme.io/x\n", "is not a chart repository"),
            ("https://acme.io/?token=abc", "must not carry a query"),
        ],
    )
    def test_other_addresses_are_refused(self, address: str, message: str) -> None:
        assert message in error(repository(address))

    def test_a_password_is_refused_and_not_shown(self) -> None:
        for address in ("https://bot:hunter2@acme.io/helm", "https://acme.io/?password=hunter2"):
            message = error(repository(address))
            assert "must not carry" in message
            assert "hunter2" not in message


def test_every_fault_has_its_line() -> None:
    data = {"chart": {"version": "1"}, "environments": {"dev": {"kind": "x"}}, "wrong": 1}
    assert [line.split(":")[0] for line in error(data).split("\n")] == [
        "chart.version",
        "environments.dev.kind",
        "wrong",
    ]


def test_many_faults_are_cut() -> None:
    with pytest.raises(DeploymentError) as caught:
        Deployment.parse({f"key{number}": 1 for number in range(50)})
    lines = str(caught.value).split("\n")
    assert len(lines) == 21
    assert lines[-1] == "and 30 more faults"


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(["chart", "clusters", "environments", "presets", "components", "values"])
settings = st.dictionaries(keys, json_like)


@given(settings)
def test_whatever_a_file_holds_is_taken_or_refused(data: object) -> None:
    try:
        assert Deployment.parse(data, source="f").environment_names
    except DeploymentError as refused:
        assert str(refused).startswith("f: ")
