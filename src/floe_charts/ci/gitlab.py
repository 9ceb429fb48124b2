"""GitLab CI: one file with five jobs, which the repository's ``.gitlab-ci.yml`` includes.

It sets nothing global, so that it leaves other jobs as they are, and takes the stages that GitLab has by default.

Facts: docs.gitlab.com, ci/yaml, ci/variables (precedence), topics/git/commit (push options),
ci/testing/unit_test_reports.
"""

from __future__ import annotations

from typing import Any

from floe_charts.ci.pipeline import HELM, SAME_VERSION, TITLE, UPDATE_BRANCH, Pipeline, file_text
from floe_charts.synth.files import ChartFiles

__all__ = ["DIRECTORY", "INCLUDED", "gitlab_files"]

DIRECTORY = ".gitlab"
"""What the file is written below, in the repository."""

INCLUDED = "ci/floe-charts.gitlab-ci.yml"
"""The file, below :data:`DIRECTORY`."""

_GITLAB_REGISTRY = "registry.gitlab.com"
_PYTHON = ".floe-charts-python"
_FETCH = "floe-charts-dependencies"
_JUNIT = "verify.xml"

_ABOUT = (
    "For every merge request: the charts are what synth makes of the artifacts, and lint and verify find nothing; the "
    "report of verify shows in the merge request. On the default branch the charts that changed are pushed to a "
    "registry, in the version that each of them has: one that is there already with the same content counts as pushed, "
    "one with other content is refused.",
    SAME_VERSION,
    "floe-charts-update keeps the charts current. When something that they are made from changes on the default "
    "branch, or a pipeline is started there by hand, a schedule or a trigger, it runs synth (and gitops, where its "
    "manifests are in the repository) and, where a file changed, "
    f"opens a merge request from the branch {UPDATE_BRANCH}, or renews the one that is open. A merge request, and no "
    "commit on the default branch: people review the charts' diff, what is merged is released, and a protected branch "
    "takes nothing else. No loop, since nothing that it commits starts it.",
    "It is there once the CI/CD variable FLOE_CHARTS_TOKEN is: a project access token with the role Developer and the "
    "scope write_repository, masked and protected. (A job's own token starts no pipeline for what it pushes.)",
)
_SECRETS = "The masked CI/CD variables REGISTRY_USERNAME and REGISTRY_PASSWORD open the registry {}."

_PROPOSE = f"""\
git add -- CHARTS
if git diff --cached --quiet; then
  echo "The charts are up to date."
  exit 0
fi
git config user.name "floe-charts"
git config user.email "floe-charts@noreply.$CI_SERVER_HOST"
git commit --quiet --message "{TITLE}"
git push --force \\
  --push-option merge_request.create \\
  --push-option merge_request.target="$CI_COMMIT_BRANCH" \\
  --push-option merge_request.title="{TITLE}" \\
  --push-option merge_request.remove_source_branch \\
  "$CI_SERVER_PROTOCOL://floe-charts:$FLOE_CHARTS_TOKEN@$CI_SERVER_FQDN/$CI_PROJECT_PATH.git" \\
  HEAD:refs/heads/{UPDATE_BRANCH}
"""


def gitlab_files(pipeline: Pipeline) -> ChartFiles:
    """The file, to be written below :data:`DIRECTORY`."""
    foreign = dict.fromkeys((*pipeline.artifact_hosts, *([_host(pipeline)] if pipeline.registry else [])))
    about = [*_ABOUT, *(_SECRETS.format(host) for host in foreign if host != _GITLAB_REGISTRY)]
    return ChartFiles({INCLUDED: file_text(pipeline, "\n".join(about), _jobs(pipeline))})


def _jobs(pipeline: Pipeline) -> dict[str, Any]:
    merge_requests = {"if": "$CI_PIPELINE_SOURCE == 'merge_request_event'"}
    is_default = (
        f"$CI_COMMIT_BRANCH == '{pipeline.branch}'" if pipeline.branch else "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"
    )
    always = [merge_requests, {"if": is_default}]
    pulls = [_login(*pipeline.artifact_hosts)] if pipeline.artifact_hosts else []
    fetched = {"needs": [_FETCH]}
    return {
        _PYTHON: {
            "image": f"docker.io/library/python:{pipeline.python}",
            "variables": {"PIP_CACHE_DIR": "$CI_PROJECT_DIR/.cache/pip", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
            "cache": {"key": {"files": [f"{DIRECTORY}/{INCLUDED}"], "prefix": "floe-charts"}, "paths": [".cache/pip"]},
            "before_script": [pipeline.install_command],
            "timeout": "30 minutes",
        },
        "floe-charts-check": {
            "extends": _PYTHON,
            "stage": "test",
            "rules": always,
            "needs": [],
            "interruptible": True,
            "script": _script(
                *pulls,
                pipeline.check_command,
                pipeline.manifests_check_command,
                pipeline.lint_command,
                *pipeline.tests,
            ),
        },
        _FETCH: {
            # Helm's image has no Python, Python's no Helm: the dependencies go from one to the other.
            "image": {"name": f"docker.io/alpine/helm:{HELM}", "entrypoint": [""]},
            "stage": "test",
            "rules": always,
            "needs": [],
            "interruptible": True,
            "script": _script(pipeline.dependencies_command),
            "artifacts": {"paths": _fetched(pipeline), "expire_in": "1 day"},
        },
        "floe-charts-verify": {
            "extends": _PYTHON,
            "stage": "test",
            "rules": always,
            **fetched,
            "interruptible": True,
            "script": _script(pipeline.verify_command("junit", _JUNIT)),
            "artifacts": {"when": "always", "reports": {"junit": _JUNIT}},
        },
        "floe-charts-update": {
            "extends": _PYTHON,
            "stage": "deploy",
            "rules": [{"if": f"{is_default} && $FLOE_CHARTS_TOKEN", "changes": list(pipeline.inputs)}],
            "needs": [],
            "resource_group": "floe-charts-update",
            "script": _script(
                *pulls,
                pipeline.synth_command,
                pipeline.manifests_command(),
                _PROPOSE.replace("CHARTS", pipeline.written, 1),
            ),
        },
        "floe-charts-release": {
            "extends": _PYTHON,
            "stage": "deploy",
            "rules": [{"if": is_default, "changes": [pipeline.chart_files]}],
            "needs": [_FETCH, "floe-charts-check", "floe-charts-verify"],
            "resource_group": "floe-charts-release",
            "script": _script(
                pipeline.package_command,
                _login(_host(pipeline)),
                pipeline.push_command("oci://$CI_REGISTRY_IMAGE/charts"),
            ),
        },
    }


def _script(*commands: str | None) -> str:
    """Commands as one text, which YAML shows as it is; the shell stops at the first that fails."""
    text = "".join(f"{command.rstrip()}\n" for command in commands if command is not None)
    return text if text.count("\n") > 1 else text.rstrip()


def _fetched(pipeline: Pipeline) -> list[str]:
    charts = "*" if pipeline.charts == "." else f"{pipeline.charts}/*"
    return [f"{charts}/charts/", f"{charts}/Chart.lock"]


def _host(pipeline: Pipeline) -> str:
    return pipeline.registry.partition("/")[0] if pipeline.registry else "$CI_REGISTRY"


def _login(*hosts: str) -> str:
    """Writes Docker's registry configuration, which takes no other program; a job's own token opens GitLab's."""
    entries = ", ".join('"%s": {"auth": "%s"}' for _ in hosts)
    words = "".join(f' \\\n  "{host}" "$({_credentials(host)})"' for host in hosts)
    return f"mkdir -p ~/.docker\nprintf '{{\"auths\": {{{entries}}}}}'{words} \\\n  > ~/.docker/config.json"


def _credentials(host: str) -> str:
    is_own = host in ("$CI_REGISTRY", _GITLAB_REGISTRY)
    words = '"$CI_REGISTRY_USER" "$CI_REGISTRY_PASSWORD"' if is_own else '"$REGISTRY_USERNAME" "$REGISTRY_PASSWORD"'
    return f"printf %s:%s {words} | base64 --wrap=0"
