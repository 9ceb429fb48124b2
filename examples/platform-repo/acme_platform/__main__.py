"""``python -m acme_platform`` writes the chart; with ``--check`` it says what is out of date in ``charts/``."""

from __future__ import annotations

import argparse
import sys

from floe_charts import FloeChartsError

from acme_platform.platform import ROOT, chart


def main() -> int:
    """Write or check; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m acme_platform", description="Write the chart of ACME's platform.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where charts/ is out of date")
    check = parser.parse_args().check
    try:
        files = chart()
        if check:
            files.check(ROOT / "charts")
        else:
            files.write(ROOT / "charts")
    except FloeChartsError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for notice in files.notices:
        print(f"Warning: {notice}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
