"""What happens to a chart once it is written: packed reproducibly, pushed to a registry, listed in an index."""

from __future__ import annotations

from floe_charts.publish.index import index_text, write_index
from floe_charts.publish.package import Package, open_package, pack
from floe_charts.publish.push import Pushed, push

__all__ = ["Package", "Pushed", "index_text", "open_package", "pack", "push", "write_index"]
