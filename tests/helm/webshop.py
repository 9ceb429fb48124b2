"""The web shop of the design: a chart by somebody who has never heard of floe."""

from __future__ import annotations

import sys
from typing import Annotated

from floe_charts.helm import (
    CHART_APP_VERSION,
    CommonChartValues,
    Component,
    ExtraEnv,
    Field,
    HelmChart,
    Image,
    IngressValues,
    RouteValues,
    Without,
    WorkloadValues,
    http_probe,
    when,
    yaml_text,
)


class WebShopValues(WorkloadValues):
    """The shop's front end."""

    image: Image = Image(registry="ghcr.io", repository="acme/shop", tag="1.4.2")
    greeting: str = Field("hello", description="Text on the front page.")
    debug: bool = Field(False, description="Whether requests are logged.")
    banner: str | None = Field(None, description="Text above every page.")
    currencies: list[str] = Field(["EUR"], description="Currencies that prices are shown in.")
    ingress: IngressValues = IngressValues(enabled=False)
    route: RouteValues = RouteValues(enabled=False)
    replicas: int = Field(2, ge=1, description="Pods that serve the shop, where autoscaling is off.")
    extra_env: Annotated[ExtraEnv, Without("GREETING", "VERSION", "WORKERS")] = Field(
        {}, description="Further environment variables, by name."
    )


class WebShop(Component[WebShopValues]):
    """Serves the shop over HTTP on port 8080."""

    def build(self, v: WebShopValues) -> None:
        web = self.part("web", ports={"http": 8080})
        settings = {
            "greeting": v.greeting,
            "banner": v.banner,
            "currencies": [*v.currencies],
            "logging": when(v.debug, {"level": "debug", "requests": True}, {"level": "info"}),
        }
        config = self.add(self.config_map(web.name, {"shop.yaml": yaml_text(settings)}))
        web.add_service_account(v)
        self.add(
            web.deployment(
                image=v.image,
                env={"GREETING": v.greeting, "WORKERS": f"{v.replicas}", "VERSION": CHART_APP_VERSION},
                resources=v.resources,
                mounts={"config": "/etc/shop"},
                livenessProbe=http_probe("/", "http"),
                readinessProbe=http_probe("/", "http", period=5),
                checksums={"config": config},
                volumes=[{"name": "config", "configMap": {"name": web.name}}],
                values=v,
            )
        )
        self.add(web.service())
        web.add_scaling(v)
        with self.when(v.ingress.enabled):
            self.add(web.ingress(v.ingress))
        with self.when(v.route.enabled):
            self.add(web.http_route(v.route))


def shop() -> dict[str, str]:
    """The chart's files."""
    chart = HelmChart(
        "shop",
        version="1.0.0",
        app_version="2026.1",
        description="A shop.",
        icon="https://example.com/shop.png",
        keywords=["shop"],
        values=CommonChartValues(),
    )
    web = WebShop(chart, "web").refs
    chart.notes.append(f"The shop says {web.greeting} with {web.replicas} pods.")
    chart.notes.append(when(web.ingress.enabled, f"It is at {web.ingress.path}."))
    return chart.files(
        overlays={"prod": {"web": {"replicas": 5, "autoscaling": {"enabled": True}, "ingress": {"enabled": True}}}}
    )


if __name__ == "__main__":
    for name, text in shop().items():
        sys.stdout.buffer.write(f"=== {name}\n{text}".encode())
    started = {"jsii", "cdk8s", "yaml"} & sys.modules.keys()
    sys.stdout.buffer.write(f"=== started: {sorted(started)}\n".encode())
