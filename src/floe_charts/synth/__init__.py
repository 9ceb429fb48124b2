"""From artifacts and deployment to chart files, and onto the disk as a whole."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from floe_charts.synth.files import LIST_NAME, ChartFiles, WriteResult
from floe_charts.synth.jobs import JobsFiles, synth_jobs
from floe_charts.synth.overrides import Override, read_values
from floe_charts.synth.plugins import ENTRY_POINT_GROUPS, PluginValues, installed_plugin_values
from floe_charts.synth.synthesis import PlatformFiles, synth

__all__ = [
    "ENTRY_POINT_GROUPS",
    "LIST_NAME",
    "ChartFiles",
    "JobsFiles",
    "Override",
    "PlatformFiles",
    "PluginValues",
    "WriteResult",
    "installed_plugin_values",
    "read_values",
    "synth",
    "synth_jobs",
]


class _CallableModule(ModuleType):
    """Lets ``from floe_charts import synth`` find this room and yet call the function in it."""

    def __call__(self, *args: Any, **kwargs: Any) -> PlatformFiles:
        return synth(*args, **kwargs)


sys.modules[__name__].__class__ = _CallableModule
