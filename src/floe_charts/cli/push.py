"""``push``: charts into an OCI registry."""

from __future__ import annotations

from pathlib import Path

import click

from floe_charts.cli.common import Command, spinner

__all__ = ["push"]


@click.command(cls=Command, short_help="Push charts to an OCI registry.")
@click.argument("charts", nargs=-1, required=True, metavar="CHART...")
@click.argument("target", metavar="oci://HOST/PATH")
@click.option("--plain-http", is_flag=True, help="No encryption; a registry on this machine is spoken to so anyway.")
@click.option("--ca-file", default="", metavar="FILE", help="Authorities to trust, instead of the system's.")
@click.option("--cert-file", default="", metavar="FILE", help="Certificate to show to the registry.")
@click.option("--key-file", default="", metavar="FILE", help="Its key, where --cert-file does not hold it.")
def push(charts: tuple[str, ...], target: str, plain_http: bool, ca_file: str, cert_file: str, key_file: str) -> None:
    """Push charts to an OCI registry, as helm push does: to oci://HOST/PATH/<name>:<version>.

    CHART is a .tgz, or the directory of a chart, which is packed first. A version that exists is never overwritten:
    with the same content it counts as pushed, with other content the push is refused. What fails for a moment is
    tried again. Credentials are those of `helm registry login` (HELM_REGISTRY_CONFIG), else those of Docker. Proxies
    are those of HTTPS_PROXY and NO_PROXY; certificate authorities can be named by SSL_CERT_FILE too.

    \b
    Examples:
      python -m floe_charts push dist/floe-platform-0.1.0.tgz oci://registry.example.com/charts
      python -m floe_charts push charts/floe-platform oci://localhost:5000/charts --plain-http
    """
    from floe_charts.publish.package import open_package, pack
    from floe_charts.publish.push import push as push_package
    from floe_charts.publish.push import target_of
    from floe_charts.registry import Connection

    connection = Connection(plain_http, ca_file, cert_file, key_file)
    packages = [pack(one) if Path(one).is_dir() else open_package(one) for one in dict.fromkeys(charts)]
    for one in packages:
        target_of(one, target)
    for one in packages:
        with spinner(f"Pushing {one.file_name}"):
            done = push_package(one, target, connection)
        click.echo(f"{done.reference}@{done.digest}{'  (already there)' if done.was_there else ''}")
