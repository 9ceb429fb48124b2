"""The same objects as :mod:`bare_cdk8s`, as a Helm chart with typed values: template, values, schema and table."""

from __future__ import annotations

import sys
from pathlib import Path

from floe_charts.helm import Component, Field, HelmChart, Values


class BenchValues(Values):
    """Values of the benchmark's objects."""

    replicas: int = Field(2, ge=1, description="Replicas.")
    greeting: str = Field("hello", description="Greeting.")


class Bench(Component[BenchValues]):
    def __init__(self, chart: HelmChart, id: str, count: int) -> None:
        self.count = count
        super().__init__(chart, id)

    def build(self, v: BenchValues) -> None:
        for number in range(self.count):
            name = f"object-{number}"
            data = {"replicas": f"{v.replicas}", "name": self.name(name), "greeting": v.greeting}
            self.add(self.config_map(self.name(name), data, name), name=name)


def main(count: int, directory: str) -> None:
    chart = HelmChart("bench", version="1.0.0", description="Benchmark.")
    Bench(chart, "bench", count)
    for path, text in chart.files().items():
        file = Path(directory, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
