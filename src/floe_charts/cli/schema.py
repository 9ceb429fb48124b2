"""``schema``: the JSON Schema of the deployment file."""

from __future__ import annotations

import click

from floe_charts.cli.common import Command, write_text

__all__ = ["schema"]


@click.command(cls=Command, short_help="Write the schema of floe-charts.yaml.")
@click.option(
    "-o", "--output", default="-", show_default=True, metavar="FILE", help="Where to write, - for standard output."
)
def schema(output: str) -> None:
    """Write the JSON Schema of the deployment file floe-charts.yaml, for editors.

    \b
    Example:
      python -m floe_charts schema --output floe-charts.schema.json
    then put this line on top of floe-charts.yaml:
      # yaml-language-server: $schema=floe-charts.schema.json
    """
    import json

    from floe_charts.deployment import Deployment

    if write_text(output, json.dumps(Deployment.json_schema(), indent=2) + "\n"):
        click.echo(f"Wrote {output}.")
