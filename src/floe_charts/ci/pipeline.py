"""What every CI system is told: the commands, and the files that start them."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass
from typing import Any, Literal

from floe_charts.artifacts.loader import DEFAULT_PATH
from floe_charts.errors import InputError, shorten
from floe_charts.helm.valuesfile import comment_lines, overlay_text
from floe_charts.registry.reference import SCHEME, parse_reference
from floe_charts.synth.files import LIST_NAME

__all__ = [
    "DEFAULT_ARTIFACT",
    "HELM",
    "OLDEST_PYTHON",
    "SAME_VERSION",
    "TITLE",
    "UPDATE_BRANCH",
    "Pipeline",
    "file_text",
]

HELM = "4.2.3"
"""The version of Helm that fetches dependencies: the one that verify has inside."""

UPDATE_BRANCH = "floe-charts/update"
"""The branch of the bot. It is the bot's own, and written over."""

TITLE = "Update the charts"
"""Title of the bot's commits and of its pull request."""

SAME_VERSION = (
    "Where two changes gave a chart the same version, the one merged last is refused: give the charts the next one by "
    "synth --chart-version, and commit that."
)
"""What to do where a version is taken, as the workflows say it."""

DEFAULT_ARTIFACT = DEFAULT_PATH.as_posix()
"""Where ``synth`` looks for compiled artifacts, where nobody says it."""

OLDEST_PYTHON = 11
"""The oldest Python that floe-charts runs on is 3 and this."""

_CLI = "python -m floe_charts"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The commands of a repository with charts.

    ``command`` is the command line that makes the files, for their first line; ``version`` is that of floe-charts,
    which is installed unless ``install`` gives pip's arguments. ``synth`` is a command in the place of floe-charts'
    own, which takes ``--check`` too; ``tests`` run beside the checks. ``registry`` has no ``oci://``; without one the
    CI system's own is taken, and without a ``branch`` its default branch. ``charts`` is the directory of the charts,
    ``manifests`` that of the manifests for Argo CD and Flux.

    Raises:
        InputError: an artifact lies outside of the repository, or ``install`` cannot be read as arguments.
        RegistryError: an artifact is no reference that a registry takes.
    """

    command: str
    version: str
    deployment_file: str
    config: str | None = None
    registry: str | None = None
    charts: str = "charts"
    manifests: str = "gitops"
    artifacts: tuple[str, ...] = ()
    install: str | None = None
    synth: str | None = None
    tests: tuple[str, ...] = ()
    branch: str | None = None
    python: str = "3.13"

    def __post_init__(self) -> None:
        """Read once what can be wrong."""
        _ = self.inputs, self.artifact_hosts, self.install_command
        for option, text in (("--synth", self.synth), *(("--test", one) for one in self.tests)):
            if text is not None and (not text.strip() or not text.isprintable()):
                raise InputError(option, "", f"found {shorten(text)}; expected a command of one line")
        if self.branch is not None and not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._/-]*", self.branch):
            raise InputError("--branch", "", f"found {shorten(self.branch)}; expected the name of a branch")
        python = re.fullmatch(r"3\.([0-9]{1,3})", self.python)
        if python is None or int(python[1]) < OLDEST_PYTHON:
            expected = f"expected a version such as 3.13, at least 3.{OLDEST_PYTHON}"
            raise InputError("--python", "", f"found {shorten(self.python)}; {expected}")

    @property
    def inputs(self) -> tuple[str, ...]:
        """The files of the repository that charts are made from, as patterns."""
        found = [one for artifact in self.artifact_files for one in _patterns(artifact)]
        if not self.artifacts:
            # A command of somebody's own may read a directory of many.
            found = [DEFAULT_ARTIFACT, *(["artifacts/**"] if self.synth is not None else [])]
        return tuple(dict.fromkeys((*found, _in_repository("--config", self.deployment_file))))

    @property
    def artifact_files(self) -> tuple[str, ...]:
        """The artifacts that are files or directories of the repository."""
        return tuple(one for one in self.artifacts if not _is_reference(one))

    @property
    def chart_files(self) -> str:
        """The pattern of everything in the charts."""
        return "**" if self.charts == "." else f"{self.charts}/**"

    @property
    def written(self) -> str:
        """What synth writes, as words of the shell: the directory of the charts, or the charts in the root."""
        return self._chart_directories if self.charts == "." else self.charts

    @property
    def artifact_hosts(self) -> tuple[str, ...]:
        """The registries that artifacts are pulled from."""
        return tuple(sorted({parse_reference(one).host for one in self.artifacts if _is_reference(one)}))

    @property
    def install_command(self) -> str:
        """Installs floe-charts and Helm's engine."""
        try:
            given = shlex.split(self.install) if self.install is not None else [f"floe-charts[helm]=={self.version}"]
        except ValueError as error:
            raise InputError("--install", "", f"cannot be read as arguments of pip: {error}") from None
        if not given or not all(one.isprintable() for one in given):
            raise InputError("--install", "", f"found {shorten(self.install)}; expected arguments of pip install")
        return f"python -m pip install {shlex.join(given)}"

    @property
    def synth_command(self) -> str:
        """Writes the charts."""
        if self.synth is not None:
            return self.synth
        words = [one for artifact in self.artifacts for one in ("--artifact", artifact)]
        words += ["--config", self.config] if self.config is not None else []
        words += ["--out", self.charts] if self.charts != "charts" else []
        return " ".join((f"{_CLI} synth", *map(shlex.quote, words)))

    @property
    def check_command(self) -> str:
        """Fails with a diff where the charts are not what :attr:`synth_command` writes."""
        return f"{self.synth_command} --check"

    @property
    def manifests_check_command(self) -> str | None:
        """Fails with a diff where the manifests for Argo CD or Flux are not what the deployment file says."""
        return self._for_each_tool("{} --check")

    def manifests_command(self, after: str = "") -> str | None:
        """Writes the manifests for Argo CD and Flux, and stages them for a commit; ``after`` takes what is said."""
        return self._for_each_tool(f"{{}}{f' {after}' if after else ''}\n  git add -- {{place}}")

    @property
    def lint_command(self) -> str:
        """Runs the quick checks on each chart."""
        return self._for_each(f'{_CLI} lint --chart "${{chart%/*}}"')

    @property
    def dependencies_command(self) -> str:
        """Fetches what the charts depend on.

        Not ``helm dependency build``: where a Chart.lock is committed, that fails unless every repository was added by
        hand before (``Manager.Build`` in Helm's pkg/downloader). Without one it is the same as this.
        """
        return self._for_each('helm dependency update "${chart%/*}"')

    def verify_command(self, report: Literal["sarif", "junit"], output: str) -> str:
        """Runs all checks on all charts, with the report in a file."""
        return f"{self.proof_command} --format {report} --output {output}"

    @property
    def proof_command(self) -> str:
        """Runs all checks on all charts, with the report in the log."""
        return f"{_CLI} verify {self._chart_arguments()}".rstrip()

    @property
    def package_command(self) -> str:
        """Packs all charts, into ``dist/``."""
        return f"{_CLI} package {self._chart_arguments()}--out dist"

    def push_command(self, default: str) -> str:
        """Pushes what was packed, to the registry of the deployment file or to ``default``, which the shell expands."""
        if self.registry is not None:
            return f"{_CLI} push dist/*.tgz oci://{self.registry}"
        return f'registry="{default}"\n{_CLI} push dist/*.tgz "$registry"\n'

    def _chart_arguments(self) -> str:
        return "" if self.charts == "charts" else f"{self._chart_directories} "

    @property
    def _chart_directories(self) -> str:
        return f"$(dirname {self._chart_yamls})"

    @property
    def _chart_yamls(self) -> str:
        return "*/Chart.yaml" if self.charts == "." else f"{self.charts}/*/Chart.yaml"

    def _for_each_tool(self, commands: str) -> str | None:
        """What is done for each tool that somebody wrote manifests for; without a registry nobody can."""
        if self.registry is None:
            return None
        config = f" --config {shlex.quote(self.config)}" if self.config is not None else ""
        scripts = []
        for tool in ("argocd", "flux"):
            place = posixpath.normpath(f"{self.manifests}/{tool}")
            made = commands.format(f"{_CLI} gitops {tool}{config}", place=place)
            scripts.append(f"if [ -e {place}/{LIST_NAME} ]; then\n  {made}\nfi\n")
        return "".join(scripts)

    def _for_each(self, command: str) -> str:
        return f"for chart in {self._chart_yamls}; do\n  {command}\ndone\n"


def file_text(pipeline: Pipeline, about: str, content: dict[str, Any]) -> str:
    """One file: the line that says what made it, what it is ``about`` (a paragraph a line), and the structure."""
    header = [f"# Generated by `{pipeline.command}`; run that again, do not change this file.", "#"]
    for paragraph in about.splitlines():
        header += [*comment_lines(paragraph), "#"]
    return "\n".join(header[:-1]) + "\n" + overlay_text(content, "")


def _is_reference(artifact: str) -> bool:
    return artifact.lower().startswith(SCHEME)


def _patterns(artifact: str) -> tuple[str, ...]:
    """What matches a file of artifacts, or the files in a directory of them."""
    plain = _in_repository("--artifact", artifact)
    if plain.endswith((".json", ".yaml", ".yml")):
        return (plain,)
    return ("*",) if plain == "." else (plain, f"{plain}/*")


def _in_repository(option: str, path: str) -> str:
    plain = posixpath.normpath(path)
    outside = path == "-" or plain.startswith("/") or plain.split("/")[0] == ".."
    if outside or not path.isprintable() or re.search(r"[*?\[\]\\!+]", path):  # what a pattern does not take literally
        hint = "expected a file of the repository, by its path from the root"
        raise InputError(option, "", f"found {shorten(path)}", hint)
    return plain
