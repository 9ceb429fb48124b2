"""``index``: index.yaml of a static Helm repository."""

from __future__ import annotations

import click

from floe_charts.cli.common import Command

__all__ = ["index"]


@click.command(cls=Command, short_help="Write the index of a static Helm repository.")
@click.argument("directory", metavar="DIR")
@click.option(
    "--url",
    metavar="BASE",
    default="",
    help="Address of DIR on the web, http(s)://HOST/PATH. Without it addresses are relative.",
)
@click.option(
    "--merge",
    metavar="FILE",
    help="Index whose versions are kept; one that is in DIR too must be the same package.",
)
def index(directory: str, url: str, merge: str | None) -> None:
    """Write DIR/index.yaml over the packages in DIR, for a Helm repository of plain files such as GitHub Pages.

    The same packages give the same index. The time of a new version is SOURCE_DATE_EPOCH where that is set, else 1970;
    versions in --merge keep theirs.

    \b
    Examples:
      python -m floe_charts index dist
      python -m floe_charts index dist --url https://acme.github.io/charts --merge published/index.yaml
    """
    from floe_charts.publish.index import write_index

    path, count, changed = write_index(directory, url, merge)
    versions = "1 version" if count == 1 else f"{count} versions"
    click.echo(f"{path}: {versions}{'' if changed else ' (unchanged)'}")
