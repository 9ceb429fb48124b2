"""What rendered objects ask of a namespace at most, told from the objects alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from math import ceil
from typing import Any

import yaml

from floe_charts.verify.objects import RenderedObject
from floe_charts.verify.quantities import parse_quantity

__all__ = ["needs", "quantity"]

_RESOURCES = ("requests.cpu", "requests.memory", "limits.cpu", "limits.memory")


def quantity(text: object) -> Decimal:
    found = parse_quantity(str(text))
    assert found is not None, text
    return found


def needs(objects: Iterable[RenderedObject]) -> Counter[str]:
    """The sums by the keys of ``spec.hard``: all workloads at their largest and in an update, all Jobs at once, as Argo
    CD runs hooks. Test pods come one after the other: of them the largest counts."""
    known = list(objects)
    total: Counter[str] = Counter()
    test: Counter[str] = Counter()
    most = {
        one.data["spec"]["scaleTargetRef"]["name"]: one.data["spec"]["maxReplicas"]
        for one in known
        if one.kind == "HorizontalPodAutoscaler"
    }
    for one in known:
        for pods, spec in _pods(one, most):
            asked = Counter({"pods": pods, **{key: pods * amount for key, amount in _of_pod(spec).items()}})
            if one.kind == "Pod":
                test |= asked
            else:
                total += asked
        for size in _volumes(one):
            total["persistentvolumeclaims"] += 1
            total["requests.storage"] += quantity(size)
    return total + test


def _pods(one: RenderedObject, most: Mapping[str, int]) -> Iterator[tuple[int, Any]]:
    """How many pods of which spec an object makes."""
    data: Any = one.data
    spec = data.get("spec", {})
    if one.kind == "Deployment":
        replicas = most.get(one.name, spec.get("replicas", 1))
        yield replicas + _surge(spec.get("strategy", {}), replicas), spec["template"]["spec"]
    elif one.kind == "StatefulSet":
        yield spec.get("replicas", 1), spec["template"]["spec"]
    elif one.kind == "Job":
        yield spec.get("parallelism", 1), spec["template"]["spec"]
    elif one.kind == "CronJob":
        yield 1, spec["jobTemplate"]["spec"]["template"]["spec"]
    elif one.kind == "Pod":
        yield 1, spec
    elif one.kind == "Cluster":  # CloudNativePG: one Job more, which makes an instance.
        yield spec["instances"] + 1, {"containers": [{"resources": spec["resources"]}]}
    elif one.kind == "Pooler":
        yield spec["instances"] + ceil(spec["instances"] / 4), spec["template"]["spec"]
    elif one.kind == "ConfigMap":
        instance = yaml.safe_load(data.get("data", {}).get("dagster.yaml", "{}"))
        if "run_launcher" in instance:
            runs = instance["run_coordinator"]["config"]["max_concurrent_runs"]
            yield runs, {"containers": [{"resources": instance["run_launcher"]["config"]["resources"]}]}


def _surge(strategy: Mapping[str, Any], replicas: int) -> int:
    if strategy.get("type") == "Recreate":
        return 0
    surge = strategy.get("rollingUpdate", {}).get("maxSurge", "25%")
    return ceil(replicas * int(surge[:-1]) / 100) if isinstance(surge, str) else int(surge)


def _of_pod(spec: Any) -> dict[str, Decimal]:
    """What the scheduler and the quota count: the larger of all containers together and any one init container."""
    together, before = (
        [_of_container(container) for container in spec.get(key, ())] for key in ("containers", "initContainers")
    )
    return {
        resource: max(
            sum((one[resource] for one in together), Decimal()), *(one[resource] for one in before), Decimal()
        )
        for resource in _RESOURCES
    }


def _of_container(container: Mapping[str, Any]) -> dict[str, Decimal]:
    return {
        f"{kind}.{resource}": quantity(container["resources"][kind][resource])
        for kind in ("requests", "limits")
        for resource in ("cpu", "memory")
    }


def _volumes(one: RenderedObject) -> Iterator[str]:
    spec: Any = one.data.get("spec", {})
    if one.kind == "PersistentVolumeClaim":
        yield spec["resources"]["requests"]["storage"]
    elif one.kind == "StatefulSet":
        for claim in spec.get("volumeClaimTemplates", ()) * spec.get("replicas", 1):
            yield claim["spec"]["resources"]["requests"]["storage"]
    elif one.kind == "Cluster":
        for _ in range(spec["instances"]):
            yield from (spec[key]["size"] for key in ("storage", "walStorage") if key in spec)
