"""Objects validated per second: our check of Kubernetes' schemas against kubernetes-validate's own ``validate``.

Both get the objects of charts/floe-platform in all its environments, for the same version of Kubernetes, in turns. What
is the same in two environments is validated twice, though our check would know it again. The target is a ratio of 20.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from floe_charts.verify.subject import Rendering

CHART = Path(__file__).resolve().parent.parent / "charts" / "floe-platform"
ROUNDS = 5
THEIRS_AT_MOST = 40
TARGET = 20.0


def measure() -> tuple[float, float]:
    """Objects per second by our check and by kubernetes-validate; ours reads its schemas anew, as a first run does."""
    from kubernetes_validate import validate

    from floe_charts.helm import kubernetes
    from floe_charts.verify.kubernetes import validate_renderings

    renderings, version = _renderings()
    plain = [json.loads(json.dumps(obj.data)) for one in renderings for obj in one.objects][:THEIRS_AT_MOST]
    ours, theirs = [], []
    for _ in range(ROUNDS):
        # Forget what was read, so that reading schemas counts, as it does in a command.
        kubernetes._library.cache_clear()
        start = time.perf_counter()
        _, count = validate_renderings(renderings, [version])
        ours.append(count / (time.perf_counter() - start))
        start = time.perf_counter()
        for obj in plain:
            validate(obj, version, strict=True)
        theirs.append(len(plain) / (time.perf_counter() - start))
    return statistics.median(ours), statistics.median(theirs)


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
    return [_without_likeness(one) for one in subject.renderings], version


def _without_likeness(rendering: Rendering) -> Rendering:
    """Kubernetes' own objects of a rendering, copied: what is the same in two cases is validated twice."""
    from floe_charts.verify.kubernetes_groups import is_kubernetes_group

    own = (obj for obj in rendering.objects if is_kubernetes_group(obj.api_version))
    return replace(rendering, objects=tuple(replace(obj, data=deepcopy(obj.data)) for obj in own))


def main() -> None:
    ours, theirs = measure()
    print(
        f"objects validated per second: floe-charts {ours:,.0f}   kubernetes-validate {theirs:,.0f}   "
        f"ratio {ours / theirs:.0f} (target {TARGET:.0f})"
    )


if __name__ == "__main__":
    main()
