"""``package``: charts as .tgz, always the same bytes."""

from __future__ import annotations

from pathlib import Path

import click

from floe_charts.cli.common import Command

__all__ = ["package"]


@click.command(cls=Command, short_help="Pack charts, always into the same bytes.")
@click.argument("charts", nargs=-1, metavar="[CHART]...")
@click.option("--out", metavar="DIR", default="dist", show_default=True, help="Directory of the packages.")
def package(charts: tuple[str, ...], out: str) -> None:
    """Pack charts as Helm does, but reproducibly: the same chart gives the same bytes on every machine.

    CHART is the directory of a chart; without it every chart in charts/. What .helmignore names stays out, dependencies
    in charts/ go in; get those first: helm dependency build CHART. All charts are looked at before one is written.

    \b
    Examples:
      python -m floe_charts package
      python -m floe_charts package charts/floe-platform --out dist
    """
    from floe_charts.publish.package import pack
    from floe_charts.verify.cases import chart_directories

    found = [Path(one) for one in dict.fromkeys(charts)] or list(chart_directories())
    packed = [pack(one) for one in found]
    _require_distinct_names([one.file_name for one in packed])
    for one in packed:
        path, is_new = one.write(out)
        click.echo(f"{path}  sha256:{one.sha256}{'' if is_new else '  (unchanged)'}")


def _require_distinct_names(names: list[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise click.UsageError(f"Two of the charts make {twice}.")
