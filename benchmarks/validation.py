"""Objects validated per second: our check of Kubernetes' schemas against kubernetes-validate's own ``validate``.

Both get the objects of charts/floe-platform in all its environments, for the same version of Kubernetes, in one run.
The target is 20 times as many.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from floe_charts.verify.subject import Rendering

CHART = Path(__file__).resolve().parent.parent / "charts" / "floe-platform"
ROUNDS = 5
THEIRS_AT_MOST = 80
TARGET = 20.0


def measure() -> tuple[float, float]:
    """Objects per second by our check and by kubernetes-validate; ours reads its schemas anew, as a first run does."""
    from kubernetes_validate import validate

    from floe_charts.helm import kubernetes
    from floe_charts.verify.kubernetes import validate_renderings
    from floe_charts.verify.kubernetes_groups import is_kubernetes_group

    renderings, version = _renderings()
    ours = []
    for _ in range(ROUNDS):
        # Forget what was read, so that reading schemas counts, as it does in a command.
        kubernetes._library.cache_clear()
        start = time.perf_counter()
        _, count = validate_renderings(renderings, [version])
        ours.append(count / (time.perf_counter() - start))
    objects = [obj.data for one in renderings for obj in one.objects if is_kubernetes_group(obj.api_version)]
    plain = json.loads(json.dumps(objects[:THEIRS_AT_MOST]))
    start = time.perf_counter()
    for obj in plain:
        validate(obj, version, strict=True)
    return sorted(ours)[len(ours) // 2], len(plain) / (time.perf_counter() - start)


def _renderings() -> tuple[Sequence[Rendering], str]:
    import yaml

    from floe_charts.helm.kubernetes import latest_kube_version
    from floe_charts.verify.engine import find_helm
    from floe_charts.verify.subject import Case, Subject

    helm = find_helm()
    files = sorted(CHART.glob("values-*.yaml"))
    cases = [Case(file.name, yaml.safe_load(file.read_text(encoding="utf-8")) or {}) for file in files]
    version = latest_kube_version()
    subject = Subject(CHART, helm, helm.load(CHART), (Case("defaults", {}), *cases), (version,))
    return subject.renderings, version


def main() -> None:
    ours, theirs = measure()
    print(
        f"objects validated per second: floe-charts {ours:,.0f}   kubernetes-validate {theirs:,.0f}   "
        f"ratio {ours / theirs:.0f} (target {TARGET:.0f})"
    )


if __name__ == "__main__":
    main()
