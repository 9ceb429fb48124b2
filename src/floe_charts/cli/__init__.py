"""The command line: words for people, no logic of its own.

Everything heavier than Click is imported when a command runs: ``--help`` and a wrong option should answer at once.
"""

from __future__ import annotations

import click

from floe_charts.cli.ci import ci
from floe_charts.cli.common import Group
from floe_charts.cli.generate import generate
from floe_charts.cli.gitops import gitops
from floe_charts.cli.index import index
from floe_charts.cli.lint import lint
from floe_charts.cli.package import package
from floe_charts.cli.push import push
from floe_charts.cli.schema import schema
from floe_charts.cli.synth import synth
from floe_charts.cli.template import template
from floe_charts.cli.verify import verify

__all__ = ["helm", "main"]

_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


@click.group(cls=Group, context_settings=_SETTINGS)
@click.version_option(package_name="floe-charts", prog_name="floe-charts")
def main() -> None:
    """Helm charts for the floe data platform, generated from what floe compiled.

    \b
    Example:
      python -m floe_charts synth --env staging
    """


@click.group(cls=Group, context_settings=_SETTINGS)
def helm() -> None:
    """The platform's Helm chart: values for one environment, a preview of what Helm renders, a quick check.

    \b
    Example:
      python -m floe_charts generate --env staging -o -
    """


for _command in (synth, generate, template, lint, verify, gitops, ci, schema, package, push, index):
    main.add_command(_command)
for _command in (generate, template, lint):
    helm.add_command(_command)
