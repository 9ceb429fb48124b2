"""Versions of Kubernetes that a chart is verified for, and Helm's word on constraints."""

from __future__ import annotations

import pytest

from floe_charts.errors import InputError
from floe_charts.helm.kubernetes import kube_versions
from floe_charts.verify.engine import find_helm
from floe_charts.verify.kube_versions import (
    check_kube_version,
    chosen_kube_version,
    default_kube_versions,
    semver_matches,
)

OLDEST, NEWEST = kube_versions()[0], kube_versions()[-1]


@pytest.mark.parametrize(
    ("constraint", "fits"),
    [
        (">=1.2.0 <2", [False, True, True, False, False]),
        (">=1.2.0-0", [False, True, True, True, True]),
        ("~1.2", [False, True, False, False, False]),
        ("1.x || 3.0.0", [True, True, True, False, False]),
        ("*", [True, True, True, True, False]),
    ],
)
def test_constraints_are_judged_as_helm_does(constraint: str, fits: list[bool]) -> None:
    assert semver_matches(find_helm(), constraint, ["1.0.0", "1.2.7", "1.9", "v2.0.0", "2.0.1-rc.1"]) == fits


def test_what_is_no_version_fits_nothing() -> None:
    assert semver_matches(find_helm(), "*", ["", "latest", "{{ fail }}", "1.0.0"]) == [False, False, False, True]
    assert semver_matches(find_helm(), "*", []) == []


@pytest.mark.parametrize("constraint", ["about 1", ">= one", "{{"])
def test_what_is_no_constraint_is_the_users_mistake(constraint: str) -> None:
    with pytest.raises(InputError, match="not a version constraint"):
        semver_matches(find_helm(), constraint, ["1.0.0"])


@pytest.mark.parametrize(
    ("constraint", "versions"),
    [
        (None, (OLDEST, NEWEST)),
        ("", (OLDEST, NEWEST)),
        (">=1.28.0-0", ("1.28", NEWEST)),
        (">= 1.28.0", ("1.28", NEWEST)),
        ("<1.30", (OLDEST, "1.29")),
        (">=1.28.0-0 <1.31.0-0", ("1.28", "1.30")),
        ("~1.29", ("1.29",)),
        (">=1.19.0-0", (OLDEST, NEWEST)),
    ],
)
def test_the_oldest_and_the_newest_that_chart_and_schemas_share(
    constraint: str | None, versions: tuple[str, ...]
) -> None:
    assert default_kube_versions(find_helm(), constraint) == versions


@pytest.mark.parametrize("constraint", ["<1.10", ">=3", "nonsense"])
def test_a_constraint_without_a_version_is_named(constraint: str) -> None:
    with pytest.raises(InputError, match=r"Chart\.yaml: kubeVersion: .*" + constraint.replace("<", "<")):
        default_kube_versions(find_helm(), constraint)


@pytest.mark.parametrize("asked", ["1.30", "v1.30", "1.30.4", "v1.30.4", " 1.30 ", "1.30.2-gke.100", "1.30.0+k3s1"])
def test_an_asked_version_is_made_plain(asked: str) -> None:
    assert check_kube_version(asked) == "1.30"


@pytest.mark.parametrize("asked", ["1.2", "2.0", "", "one", "1", "1.30.x", "1.٣٠"])
def test_an_unknown_version_is_told_with_what_is_known(asked: str) -> None:
    with pytest.raises(InputError, match=f"known are {OLDEST} to {NEWEST}"):
        check_kube_version(asked)


@pytest.mark.parametrize(
    ("constraint", "asked"),
    [(None, OLDEST), ("", OLDEST), (">=1.28.0-0", "1.28"), (">=1.28.3", "v1.28.3"), (">=1.28.0-0", "1.30.2-gke.100")],
)
def test_a_chosen_version_that_the_chart_allows(constraint: str | None, asked: str) -> None:
    assert chosen_kube_version(find_helm(), {"kubeVersion": constraint}, asked) == check_kube_version(asked)


@pytest.mark.parametrize(
    ("constraint", "asked", "version"),
    [(">=1.28.0-0", "1.27", "v1.27.0"), (">=1.28.3", "1.28.2", "v1.28.2"), (">=1.28.0", "1.30.2-gke.100", "v1.30.2-")],
)
def test_a_chosen_version_that_the_chart_excludes_is_refused_as_helm_does(
    constraint: str, asked: str, version: str
) -> None:
    words = f"the chart requires kubeVersion: {constraint} which is incompatible with Kubernetes {version}"
    with pytest.raises(InputError, match=f"--kube-version: {words}"):
        chosen_kube_version(find_helm(), {"kubeVersion": constraint}, asked)
    with pytest.raises(InputError, match=r"Chart\.yaml: kubeVersion: 'nonsense' is not a version constraint"):
        chosen_kube_version(find_helm(), {"kubeVersion": "nonsense"}, asked)
