"""Small charts to publish."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support import write_chart

CONFIG_MAP = (
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata: {a: {{ .Values.a | quote }}}\n"
)


def shop(directory: Path, version: str = "1.2.0", a: str = "x", **about: object) -> Path:
    """A chart named shop in ``directory``, which may be there already."""
    path = directory / "shop"
    if path.exists():
        shutil.rmtree(path)
    chart = {"version": version, "description": "Sells things — of all kinds.", **about}
    return write_chart(path, {"config.yaml": CONFIG_MAP}, f"a: {a}\n", chart=chart)
