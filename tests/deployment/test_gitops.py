"""The section ``gitops`` of the deployment file."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from floe_charts.deployment import Deployment
from floe_charts.errors import DeploymentError

VALIDATOR = jsonschema.Draft7Validator(Deployment.json_schema())

GOOD: list[dict[str, Any]] = [
    {"registry": "ghcr.io/acme/charts"},
    {"registry": "localhost:5000/charts", "values": "git", "path": ".", "charts": "helm/charts"},
    {"registry": "123.dkr.ecr.eu-west-1.amazonaws.com/floe"},
    {"repository": {"url": "https://github.com/acme/platform.git", "revision": "v1.2"}},
    {"repository": {"url": "git@github.com:acme/platform.git"}},
    {"repository": {"url": "ssh://git@git.acme.example:2222/platform"}},
    *({"environments": {"dev": {"version": one}}} for one in (
        "1.2.3", "v1.2.3", "1.2.3-rc.1+b", ">=1.2.3-0 <2.0.0-0", ">= 1.2, < 2", "^1.2", "~1.2.3", "1.x", "*",
        "1.2 - 2.0", "1.0.0 || >=2.0.0 || ~3",
    )),
    {"environments": {"prod": {"version": "1.2.3", "sync": "automated", "prune": False, "selfHeal": False}}},
    {"argocd": {"namespace": "gitops", "project": "data", "layout": "applications", "progressiveSyncs": False}},
    {"argocd": {"destinations": {"prod": "https://10.0.0.1:6443", "non-prod": "in-cluster"}}},
    {"flux": {"namespace": "flux", "source": "git", "interval": "1h30m", "provider": "gcp", "registrySecret": "r"}},
    {"podSecurity": "baseline"},
]  # fmt: skip

BAD: list[dict[str, Any]] = [
    {"registry": "oci://ghcr.io/acme/charts"},
    {"registry": "https://ghcr.io/acme/charts"},
    {"registry": "ghcr.io"},
    {"registry": "user:secret@ghcr.io/acme"},
    {"registry": "ghcr.io/acme/charts/"},
    {"repository": {"uri": "https://github.com/a/b"}},
    {"repository": {"url": "http://github.com/acme/platform"}},
    {"repository": {"url": "https://user:secret@github.com/acme/platform"}},
    {"repository": {"url": "https://github.com/a", "revision": "--upload-pack=x"}},
    {"path": "../outside"},
    {"path": "/etc"},
    {"path": "a/../../b"},
    {"charts": ""},
    {"environments": {"dev": {"version": ">>1"}}},
    {"environments": {"dev": {"version": "latest"}}},
    {"environments": {"dev": {"version": "01.2.3"}}},
    {"environments": {"dev": {"sync": "sometimes"}}},
    {"argocd": {"destinations": {"prod": "http://10.0.0.1"}}},
    {"argocd": {"layout": "helm"}},
    {"flux": {"interval": "10"}},
    {"flux": {"interval": 10}},
    {"podSecurity": "privileged"},
    {"argo": {}},
]


@pytest.mark.parametrize("gitops", GOOD)
def test_good_sections_pass_schema_and_loader(gitops: dict[str, Any]) -> None:
    VALIDATOR.validate({"gitops": gitops})
    loaded = Deployment.parse({"gitops": gitops})
    VALIDATOR.validate(loaded.model_dump(by_alias=True, mode="json"))


@pytest.mark.parametrize("gitops", BAD)
def test_bad_sections_fail_schema_and_loader(gitops: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid({"gitops": gitops})
    with pytest.raises(DeploymentError, match="gitops"):
        Deployment.parse({"gitops": gitops})


@pytest.mark.parametrize(
    ("gitops", "said"),
    [
        (
            {"registry": "oci://ghcr.io/acme"},
            "gitops.registry: 'oci://ghcr.io/acme' starts with oci://; leave that out, "
            "expected HOST/PATH, such as ghcr.io/acme/charts",
        ),
        (
            {"environments": {"prd": {}}},
            "gitops.environments.prd: there is no such environment; did you mean prod; "
            "known: dev, test, qa, uat, staging, prod",
        ),
        (
            {"argocd": {"destinations": {"nonprod": "in-cluster"}}},
            "gitops.argocd.destinations.nonprod: there is no such cluster; "
            "did you mean non-prod; known: non-prod, prod",
        ),
        (
            {"environments": {"prod": {"version": "^1.2"}}},
            "gitops.environments.prod.version: found the range ^1.2, and prod is a production environment; "
            "pin one version, such as 1.4.2",
        ),
        (
            {"environments": {"prod": {"jobsVersion": "*"}}},
            "gitops.environments.prod.jobsVersion: found the range *, and prod is a production environment; "
            "pin one version, such as 1.4.2",
        ),
    ],
)
def test_says_what_is_wrong(gitops: dict[str, Any], said: str) -> None:
    with pytest.raises(DeploymentError) as caught:
        Deployment.parse({"gitops": gitops}, source="f.yaml")
    assert str(caught.value) == f"f.yaml: {said}"


@pytest.mark.parametrize(
    "gitops", [{"registry": "u:hunter2@ghcr.io/x"}, {"repository": {"url": "https://u:hunter2@x.io/y"}}]
)
def test_no_password_is_repeated(gitops: dict[str, Any]) -> None:
    with pytest.raises(DeploymentError) as caught:
        Deployment.parse({"gitops": gitops})
    assert "hunter2" not in str(caught.value)
