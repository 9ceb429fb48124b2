"""The web shop of the design: a chart by somebody who has never heard of floe."""

from __future__ import annotations

import sys

from floe_charts.helm import (
    CHART_APP_VERSION,
    Component,
    Field,
    HelmChart,
    Image,
    IngressValues,
    NodeSelector,
    Resources,
    StringMap,
    Toleration,
    Values,
    http_probe,
    not_,
    when,
    yaml_text,
)


class AutoscalingValues(Values):
    """How the number of pods follows the load."""

    enabled: bool = Field(False, description="Whether it does.")
    minimum: int = Field(2, ge=1, le=100, description="Pods at least.")
    maximum: int = Field(10, ge=1, le=100, description="Pods at most.")
    cpu_percent: int = Field(70, ge=1, le=100, description="CPU in use, in percent of what the pods ask for.")


class WebShopValues(Values):
    """The shop's front end."""

    replicas: int = Field(2, ge=1, description="Pods that serve the shop.")
    image: Image = Image(registry="ghcr.io", repository="acme/shop", tag="1.4.2")
    greeting: str = Field("hello", description="Text on the front page.")
    debug: bool = Field(False, description="Whether requests are logged.")
    banner: str | None = Field(None, description="Text above every page.")
    currencies: list[str] = Field(["EUR"], description="Currencies that prices are shown in.")
    annotations: StringMap = Field({}, description="Annotations of the pods.")
    node_selector: NodeSelector = Field({}, description="Labels of the nodes that pods run on.")
    tolerations: list[Toleration] = Field([], description="Taints that pods tolerate.")
    resources: Resources = Field(Resources(), description="CPU and memory.")
    autoscaling: AutoscalingValues = AutoscalingValues()
    ingress: IngressValues = IngressValues(enabled=False)


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
        self.add(
            web.deployment(
                replicas=when(not_(v.autoscaling.enabled), v.replicas),
                image=v.image,
                env={"GREETING": v.greeting, "WORKERS": f"{v.replicas}", "VERSION": CHART_APP_VERSION},
                resources=v.resources,
                mounts={"config": "/etc/shop"},
                livenessProbe=http_probe("/", "http"),
                readinessProbe=http_probe("/", "http", period=5),
                annotations=v.annotations,
                checksums={"config": config},
                volumes=[{"name": "config", "configMap": {"name": web.name}}],
                pod={"nodeSelector": v.node_selector, "tolerations": v.tolerations},
            )
        )
        self.add(web.service())
        with self.when(v.ingress.enabled):
            self.add(web.ingress(v.ingress))
        with self.when(v.autoscaling.enabled):
            scaling = v.autoscaling
            self.add(
                web.horizontal_pod_autoscaler(
                    minimum=scaling.minimum, maximum=scaling.maximum, cpu_percent=scaling.cpu_percent
                )
            )


def shop() -> dict[str, str]:
    """The chart's files."""
    chart = HelmChart(
        "shop",
        version="1.0.0",
        app_version="2026.1",
        description="A shop.",
        icon="https://example.com/shop.png",
        keywords=["shop"],
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
