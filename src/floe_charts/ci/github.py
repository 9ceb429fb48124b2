"""GitHub Actions: three workflows, each with what starts it, its own permissions and its own queue.

- *check*, for every pull request: tests, ``synth --check``, lint and verify.
- *update*, the bot: ``synth``, and a pull request where that changed something.
- *release*: proves, packages and pushes the charts that changed on the default branch.

Facts: docs.github.com, actions/reference/security/secure-use (actions by commit, permissions),
actions/concepts/security/github_token (what its events start), and each action's own README.
"""

from __future__ import annotations

import re
from typing import Any

from floe_charts.ci.pipeline import HELM, SAME_VERSION, TITLE, UPDATE_BRANCH, Pipeline, file_text
from floe_charts.synth.files import ChartFiles

__all__ = ["DIRECTORY", "github_files"]

DIRECTORY = ".github"
"""What the files are written below, in the repository."""

_DEFAULT_BRANCH = "main"
_GITHUB_REGISTRY = "ghcr.io"
# A registry takes lower case only; the name of an owner may have other letters.
_OWN_CHARTS = f"oci://{_GITHUB_REGISTRY}/${{GITHUB_REPOSITORY_OWNER,,}}/charts"
_EVENT = "floe-artifacts"
_SARIF = "verify.sarif"

# By commit, which nobody can move, as docs.github.com recommends; the version stands behind it, for people and bots.
_ACTIONS = {
    "actions/checkout": ("3d3c42e5aac5ba805825da76410c181273ba90b1", "v7.0.1"),
    "actions/setup-python": ("5fda3b95a4ea91299a34e894583c3862153e4b97", "v7.0.0"),
    "azure/setup-helm": ("9bc31f4ebc9c6b171d7bfbaa5d006ae7abdb4310", "v5.0.1"),
    "docker/login-action": ("4907a6ddec9925e35a0a9e82d7399ccc52663121", "v4.1.0"),
    "github/codeql-action": ("8aad20d150bbac5944a9f9d289da16a4b0d87c1e", "v4.36.2"),
}

_SECRETS = "The secrets REGISTRY_USERNAME and REGISTRY_PASSWORD open the registry {}."

_CHECK_ABOUT = (
    "For every pull request: the charts are what synth makes of the artifacts, and lint and verify find nothing.",
    "Findings go to code scanning, which a private repository needs GitHub Code Security for. Without that the upload "
    "fails and the job does not; its log has the findings too.",
)
_UPDATE_ABOUT = (
    "Keeps the charts current. When something that they are made from changes on {branch}, or somebody asks for it by "
    "hand or by a repository_dispatch event of the type {event}, it runs synth (and gitops, where its manifests are in "
    "the repository) and, where a file changed, opens a pull request from the branch {update}, or renews the one that "
    "is open.",
    "A pull request, and no commit on {branch}: people review the charts' diff, what is merged is released, and a "
    "protected branch takes nothing else. No loop, since nothing that it commits starts it.",
    "The repository must let workflows open pull requests: Settings, Actions, General. Their checks wait until "
    "somebody approves the run, unless the secret FLOE_CHARTS_TOKEN holds a fine-grained token that may write contents "
    "and pull requests of this repository.",
)
_RELEASE_ABOUT = (
    "Pushes the charts that changed on {branch} to {target}.",
    "No tags: each chart has a version of its own. One that is there already with the same content counts as pushed, "
    "one with other content is refused; so it can run at any time. What was pushed stays, so it is proved before.",
    SAME_VERSION,
)

_PROPOSE = f"""\
git add -- CHARTS
if git diff --cached --quiet; then
  echo "The charts are up to date."
  exit 0
fi
git config user.name "github-actions[bot]"
git config user.email "41898282+github-actions[bot]@users.noreply.github.com"
git commit --quiet --message "{TITLE}"
gh auth setup-git
git push --force origin HEAD:refs/heads/{UPDATE_BRANCH}
body=$(printf '```\\n%s\\n```' "$(cat "$RUNNER_TEMP/synth.txt")")
if [ -n "$(gh pr list --head {UPDATE_BRANCH} --base BRANCH --state open --json number --jq '.[].number')" ]; then
  gh pr edit {UPDATE_BRANCH} --body "$body"
else
  gh pr create --head {UPDATE_BRANCH} --base BRANCH --title "{TITLE}" --body "$body"
fi
"""

_FINDINGS = f"""\
jq --raw-output '.runs[].results[]
  | [.level, .ruleId, .locations[0].physicalLocation.artifactLocation.uri, .message.text] | join(" | ")' {_SARIF}
"""


def github_files(pipeline: Pipeline) -> ChartFiles:
    """The workflows, to be written below :data:`DIRECTORY`."""
    made = {"check": _check(pipeline), "update": _update(pipeline), "release": _release(pipeline)}
    return ChartFiles({_path(name): _with_versions(file_text(pipeline, *one)) for name, one in made.items()})


def _path(name: str) -> str:
    return f"workflows/floe-charts-{name}.yaml"


def _with_versions(text: str) -> str:
    versions = dict(_ACTIONS.values())
    return re.sub(r"(uses: \S+@)(\w+)$", lambda found: f"{found[0]} # {versions[found[2]]}", text, flags=re.MULTILINE)


def _branch(pipeline: Pipeline) -> str:
    return pipeline.branch or _DEFAULT_BRANCH


def _workflow(name: str, on: dict[str, Any], concurrency: dict[str, Any], jobs: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": f"floe-charts {name}",
        "on": on,
        "permissions": {"contents": "read"},
        "concurrency": concurrency,
        "defaults": {"run": {"shell": "bash"}},  # said outright, it fails where a part of a pipe fails
        "jobs": jobs,
    }


def _job(name: str, permissions: dict[str, str], steps: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "runs-on": "ubuntu-latest",
        "timeout-minutes": 30,
        "permissions": permissions,
        "steps": steps,
    }


# The three workflows


def _check(pipeline: Pipeline) -> tuple[str, dict[str, Any]]:
    about = [*_CHECK_ABOUT, *_about_secrets(*pipeline.artifact_hosts)]
    pulls = pipeline.artifact_hosts
    up_to_date = [
        *_set_up(pipeline, _path("check")),
        *map(_login, pulls),
        {"name": "Compare the charts with what synth makes", "run": pipeline.check_command},
        *_run("Compare the manifests with what gitops makes", pipeline.manifests_check_command),
        {"name": "Lint the charts", "run": pipeline.lint_command},
        *({"run": test} for test in pipeline.tests),
    ]
    proved = [
        *_set_up(pipeline, _path("check")),
        *_dependencies(pipeline),
        {"name": "Verify the charts", "run": pipeline.verify_command("sarif", _SARIF)},
        {"name": "Show the findings", "if": f"failure() && hashFiles('{_SARIF}') != ''", "run": _FINDINGS},
        {
            "name": "Upload the findings to code scanning",
            "if": f"!cancelled() && hashFiles('{_SARIF}') != ''",
            "continue-on-error": True,
            "uses": _action("github/codeql-action", "/upload-sarif"),
            "with": {"sarif_file": _SARIF, "category": "floe-charts"},
        },
    ]
    on = {"pull_request": {}, "merge_group": {}, "push": {"branches": [_branch(pipeline)]}}
    concurrency = {
        "group": "${{ github.workflow }}-${{ github.ref }}",
        "cancel-in-progress": "${{ github.event_name == 'pull_request' }}",
    }
    # `actions: read` is what the upload asks for in a private repository.
    upload = {"contents": "read", "security-events": "write", "actions": "read"}
    jobs = {
        "charts": _job("Charts are current", {"contents": "read", **_packages("read", *pulls)}, up_to_date),
        "verify": _job("Charts are proved", upload, proved),
    }
    return "\n".join(about), _workflow("check", on, concurrency, jobs)


def _update(pipeline: Pipeline) -> tuple[str, dict[str, Any]]:
    branch, pulls = _branch(pipeline), pipeline.artifact_hosts
    told = {"branch": branch, "event": _EVENT, "update": UPDATE_BRANCH}
    about = [*(one.format(**told) for one in _UPDATE_ABOUT), *_about_secrets(*pulls)]
    steps = [
        # The branch as it is now, not as it was when the run was asked for.
        *_set_up(pipeline, _path("update"), ref=branch),
        *map(_login, pulls),
        {"name": "Write the charts", "run": f'{pipeline.synth_command} 2>&1 |\n  tee "$RUNNER_TEMP/synth.txt"\n'},
        *_run("Write the manifests", pipeline.manifests_command('2>&1 | tee -a "$RUNNER_TEMP/synth.txt"')),
        {
            "name": "Propose what changed",
            "env": {"GH_TOKEN": "${{ secrets.FLOE_CHARTS_TOKEN || github.token }}"},
            "run": _PROPOSE.replace("CHARTS", pipeline.written, 1).replace("BRANCH", branch),
        },
    ]
    on = {
        "push": {"branches": [branch], "paths": list(pipeline.inputs)},
        "workflow_dispatch": {},
        "repository_dispatch": {"types": [_EVENT]},
    }
    permissions = {"contents": "write", "pull-requests": "write", **_packages("read", *pulls)}
    jobs = {"update": _job("Update the charts", permissions, steps)}
    return "\n".join(about), _workflow("update", on, _one_after_another("update"), jobs)


def _release(pipeline: Pipeline) -> tuple[str, dict[str, Any]]:
    host = pipeline.registry.partition("/")[0] if pipeline.registry else _GITHUB_REGISTRY
    words = pipeline.registry or "ghcr.io/<owner>/charts; gitops.registry of the deployment file names another place"
    told = {"branch": _branch(pipeline), "target": words}
    about = [*(one.format(**told) for one in _RELEASE_ABOUT), *_about_secrets(host)]
    steps = [
        *_set_up(pipeline, _path("release")),
        *_dependencies(pipeline),
        {"name": "Verify the charts", "run": pipeline.proof_command},
        {"name": "Package the charts", "run": pipeline.package_command},
        _login(host),
        {"name": "Push the charts", "run": pipeline.push_command(_OWN_CHARTS)},
    ]
    on = {
        "push": {"branches": [_branch(pipeline)], "paths": [pipeline.chart_files]},
        "workflow_dispatch": {},
    }
    jobs = {"release": _job("Release the charts", {"contents": "read", **_packages("write", host)}, steps)}
    return "\n".join(about), _workflow("release", on, _one_after_another("release"), jobs)


def _one_after_another(name: str) -> dict[str, Any]:
    return {"group": f"floe-charts-{name}", "cancel-in-progress": False}


# Steps


def _action(name: str, path: str = "") -> str:
    return f"{name}{path}@{_ACTIONS[name][0]}"


def _set_up(pipeline: Pipeline, workflow: str, ref: str | None = None) -> list[dict[str, Any]]:
    # What decides on the packages; the workflow itself has the version of floe-charts.
    keys = [
        f"{DIRECTORY}/{workflow}",
        *(["**/pyproject.toml", "**/*constraints*.txt", "**/*requirements*.txt"] if pipeline.install else []),
    ]
    return [
        {
            "uses": _action("actions/checkout"),
            # No step but the one that pushes has a token that can.
            "with": {**({"ref": ref} if ref is not None else {}), "persist-credentials": False},
        },
        {
            "uses": _action("actions/setup-python"),
            "with": {
                "python-version": pipeline.python,
                "cache": "pip",
                "cache-dependency-path": "\n".join(keys),
            },
        },
        {"name": "Install floe-charts", "run": pipeline.install_command},
    ]


def _dependencies(pipeline: Pipeline) -> list[dict[str, Any]]:
    return [
        {"uses": _action("azure/setup-helm"), "with": {"version": f"v{HELM}"}},
        {"name": "Fetch the dependencies", "run": pipeline.dependencies_command},
    ]


def _run(name: str, command: str | None) -> list[dict[str, Any]]:
    return [{"name": name, "run": command}] if command is not None else []


def _login(host: str) -> dict[str, Any]:
    is_own = host == _GITHUB_REGISTRY
    return {
        "uses": _action("docker/login-action"),
        "with": {
            "registry": host,
            "username": "${{ github.actor }}" if is_own else "${{ secrets.REGISTRY_USERNAME }}",
            "password": "${{ github.token }}" if is_own else "${{ secrets.REGISTRY_PASSWORD }}",
        },
    }


def _packages(access: str, *hosts: str) -> dict[str, str]:
    return {"packages": access} if _GITHUB_REGISTRY in hosts else {}


def _about_secrets(*hosts: str) -> list[str]:
    return [_SECRETS.format(host) for host in hosts if host != _GITHUB_REGISTRY]
