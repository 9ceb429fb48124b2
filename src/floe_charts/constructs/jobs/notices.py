"""What people should look at when a chart of jobs is written, a line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from floe_charts.constructs.unanswered import listed
from floe_charts.helm.layers import merge, prune_nulls

if TYPE_CHECKING:
    from floe_charts.constructs.jobs.chart import FloeJobs

__all__ = ["notices"]


def notices(chart: FloeJobs, served: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Schedules that are none, targets of other environments, and databases where nothing can be written.

    ``served`` holds the final values of each environment.
    """
    environments = [chart.deployment.environment(name) for name in served]
    wanted = any(environment.default_schedules for environment in environments)
    lines = [product.unusable_schedule for product in chart.products if product.unusable_schedule and wanted]
    return [*lines, *_other_targets(chart, served), *_unwritable(chart, served)]


def _other_targets(chart: FloeJobs, served: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A line on products that run with a target which is not the environment's, and which nobody asked for."""
    part = chart.jobs.id
    environments: list[str] = []
    names: set[str] = set()
    targets: set[str] = set()
    for name, values in served.items():
        environment, jobs = chart.deployment.environment(name), values[part]
        if environment.kind in ("development", "test") or not jobs["dbt"]["enabled"]:
            continue
        given = merge(prune_nulls(chart.deployment.values), environment.values).get(part, {}).get("products", {})
        found: dict[str, str] = {}
        for product in chart.products:
            dbt = jobs["products"].get(product.key, {}).get("dbt")
            if dbt is None or product.own_target(name, environment.kind) is not None:
                continue
            target = dbt.get("target", jobs["dbt"]["target"])
            wished = given.get(product.key, {}).get("dbt", {}).get("target") is not None
            if target not in product.targets or (target == product.default_target and not wished):
                found[product.values.name] = target
        if found:
            environments.append(name)
            names.update(found)
            targets.update(found.values())
    if names:
        yield (
            f"{part} run dbt with --target {', '.join(sorted(targets))} in {', '.join(environments)}, for which the "
            f"profiles of {listed(sorted(names))} have no output: add one, or set {part}.products.<product>.dbt.target"
        )


def _unwritable(chart: FloeJobs, served: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A line on files of DuckDB that lie where jobs cannot write."""
    jobs = [values[chart.jobs.id] for values in served.values()]
    volumes = [one["extraVolumes"] for one in jobs if one["dbt"]["enabled"]]
    found = {path for mounts in volumes for product in chart.products for path in product.unwritable(mounts)}
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        where = f"{chart.jobs.id} can write nothing at {min(found)}{more}, where dbt's profile has DuckDB's file"
        yield f"{where}: mount a volume there, {chart.jobs.id}.extraVolumes"
