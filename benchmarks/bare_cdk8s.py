"""The yardstick: a bare cdk8s app that makes as many objects as it is told, one by one, with their fields."""

from __future__ import annotations

import sys

from cdk8s import ApiObject, App, Chart, JsonPatch


def main(count: int, directory: str) -> None:
    app = App(outdir=directory)
    chart = Chart(app, "bench", disable_resource_name_hashes=True)
    for number in range(count):
        name = f"object-{number}"
        labels = {"app.kubernetes.io/name": "bench", "app.kubernetes.io/component": name}
        made = ApiObject(chart, name, api_version="v1", kind="ConfigMap", metadata={"name": name, "labels": labels})
        made.add_json_patch(JsonPatch.add("/data", {"replicas": "2", "name": name, "greeting": "hello"}))
    app.synth()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
