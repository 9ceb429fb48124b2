"""Each endpoint with metrics has a ServiceMonitor that finds exactly the pods behind it."""

from __future__ import annotations

from typing import Any

import pytest

from floe_charts.constructs.network import PROMETHEUS, Endpoint, Workload
from floe_charts.constructs.part import Scrape
from floe_charts.constructs.surroundings.connections import Network
from floe_charts.constructs.surroundings.monitoring import Monitoring
from floe_charts.helm.kubernetes import OLDEST, latest_kube_version
from floe_charts.verify.engine import ChartHandle, ValuesRefused
from floe_charts.verify.schemas import CustomSchemas, validate_objects
from tests.constructs.declared import DeclaredPart
from tests.constructs.rendering import new_chart, objects_of, spec_of, written
from tests.support import SHARED

SHOP = Endpoint("shop", 8080, "http", "shop")
TILL = Endpoint("till-status", 9000, "status", "till")
CRDS = SHARED / "crds"


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> ChartHandle:
    made = new_chart()
    shop = DeclaredPart(
        made,
        "shop",
        endpoints=[SHOP, TILL],
        workloads=lambda v: [Workload("shop", "Shop", v.enabled), Workload("till", "Till", v.enabled)],
        scrapes=lambda v: [Scrape(SHOP, when=v.enabled), Scrape(TILL, "/q/metrics", when=v.extra)],
    )
    Monitoring(made, scrapes=shop.scrapes())
    return written(made, tmp_path_factory.mktemp("monitoring"))


def monitored(chart: ChartHandle, values: dict[str, Any]) -> dict[str, Any]:
    objects = objects_of(chart, {**values, "monitoring": {"enabled": True, **values.get("monitoring", {})}})
    return {name: one for name, one in objects.items() if "metrics" in name}


def test_nothing_without_the_prometheus_operator(chart: ChartHandle) -> None:
    assert set(objects_of(chart, {})) == {"ConfigMap/floe-platform-shop"}


def test_a_monitor_leads_through_its_service_to_the_pods(chart: ChartHandle) -> None:
    objects = monitored(chart, {"shop": {"extra": True}, "monitoring": {"interval": "15s"}})
    expected = {"shop": (8080, "/metrics"), "till": (9000, "/q/metrics")}
    assert set(objects) == {
        f"{kind}/floe-platform-{name}-metrics" for kind in ("Service", "ServiceMonitor") for name in expected
    }
    for name, (port, path) in expected.items():
        service = objects[f"Service/floe-platform-{name}-metrics"].data
        monitor = spec_of(objects, f"ServiceMonitor/floe-platform-{name}-metrics")
        assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
        others = [one for other, one in objects.items() if other.startswith("Service/") and one.data != service]
        assert not any(
            monitor["selector"]["matchLabels"].items() <= one.data["metadata"]["labels"].items() for one in others
        )
        assert service["spec"]["selector"] == {
            "app.kubernetes.io/part-of": "floe-platform",
            "app.kubernetes.io/component": name,
        }
        [served], [scraped] = service["spec"]["ports"], monitor["endpoints"]
        assert (served["port"], served["targetPort"], service["spec"]["clusterIP"]) == (port, port, "None")
        assert scraped == {"port": served["name"], "path": path, "interval": "15s"}


def test_only_what_is_served_is_monitored(chart: ChartHandle) -> None:
    assert "ServiceMonitor/floe-platform-till-metrics" not in monitored(chart, {})
    assert monitored(chart, {"shop": {"enabled": False}}) == {}


def test_a_prometheus_picks_them_by_labels(chart: ChartHandle) -> None:
    objects = monitored(chart, {"monitoring": {"labels": {"release": "prometheus"}}})
    labels = objects["ServiceMonitor/floe-platform-shop-metrics"].data["metadata"]["labels"]
    assert labels["release"] == "prometheus"
    assert labels["app.kubernetes.io/component"] == "shop-metrics"
    with pytest.raises(ValuesRefused):
        chart.check_values({"monitoring": {"labels": {"app.kubernetes.io/component": "x"}}})


@pytest.mark.parametrize("interval", ["0s", "1", "1d", "", "-1s"])
def test_an_interval_that_prometheus_refuses_is_refused(chart: ChartHandle, interval: str) -> None:
    with pytest.raises(ValuesRefused):
        chart.check_values({"monitoring": {"interval": interval}})


def test_prometheus_comes_in_for_the_metrics(chart: ChartHandle) -> None:
    made = new_chart()
    shop = DeclaredPart(made, "shop", endpoints=[SHOP], workloads=lambda v: [Workload("shop", "Shop", v.enabled)])
    [one] = Network([shop, Monitoring(made, scrapes=[Scrape(SHOP)])]).connections
    assert (one.source, one.port) == (PROMETHEUS, 8080)


def test_objects_fit_kubernetes_and_the_operator(chart: ChartHandle) -> None:
    custom = CustomSchemas.from_directory(CRDS) if CRDS.is_dir() else None
    objects = list(monitored(chart, {"shop": {"extra": True}, "monitoring": {"labels": {"a": "b"}}}).values())
    report = validate_objects(objects, (OLDEST, latest_kube_version()), custom)
    assert [str(finding) for finding in report.findings] == []
    if custom is None:
        pytest.skip("../shared/crds is absent: custom resources were not checked")
    assert not report.without_schema
