"""``python -m floe_charts``."""

from __future__ import annotations

from floe_charts.cli import main

if __name__ == "__main__":
    main(prog_name="python -m floe_charts")
