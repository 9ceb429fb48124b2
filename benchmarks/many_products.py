"""The jobs of many data products: wall time and memory of a whole ``synth_jobs``, from JSON texts to files on disk.

Run by ``make bench``, which starts a process for each number of products; or alone with that number.
"""

from __future__ import annotations

import copy
import json
import resource
import subprocess
import sys
import tempfile
import time

NUMBERS = (1_000, 3_000, 10_000)
PRODUCTS_OF_A_CHART = 1_250


def main() -> None:
    print("jobs of many data products (target for 10,000: 60 s, 1 GiB)")
    for number in NUMBERS:
        done = subprocess.run([sys.executable, __file__, str(number)], check=True, capture_output=True, text=True)
        print(done.stdout, end="")


def measure(number: int) -> None:
    from floe_charts import CompiledArtifacts, Deployment
    from floe_charts.synth import synth_jobs

    example = CompiledArtifacts.example().model_dump(mode="json")
    texts = []
    for index in range(number):
        example["metadata"]["product_name"] = f"product-{index:05d}"
        texts.append(json.dumps(copy.deepcopy(example)))
    deployment = Deployment.parse({"jobs": {"shards": -(-number // PRODUCTS_OF_A_CHART)}})
    with tempfile.TemporaryDirectory() as directory:
        start = time.perf_counter()
        artifacts = [CompiledArtifacts.parse(json.loads(text), f"{index}.json") for index, text in enumerate(texts)]
        files = synth_jobs(artifacts, deployment)
        made = time.perf_counter() - start
        files.write(directory)
        written = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    largest = max(len(text) for path, text in files.items() if path.endswith("/values.yaml"))
    print(
        f"  {number:6} products: {made:5.1f} s, {written:5.1f} s with writing, {memory:5.0f} MiB; "
        f"{len(files.charts)} charts, values of at most {largest / 1e3:.0f} kB"
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(int(sys.argv[1]))
    else:
        main()
