"""What the pods of Dagster may do in the cluster: start and end the Jobs of runs, and no more.

The rules follow the requests of dagster-k8s 0.28.17 (``launcher.py``, ``client.py``), in the release's namespace.
"""

from __future__ import annotations

from typing import Any

from floe_charts.helm import RELEASE_NAMESPACE, Part

__all__ = ["LAUNCH", "TERMINATE", "WORK", "role", "role_binding"]


def _rule(group: str, resource: str, *verbs: str) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}


LAUNCH = (
    _rule("batch", "jobs", "create", "delete", "get", "list"),
    _rule("batch", "jobs/status", "get"),
    _rule("", "pods", "delete", "get", "list"),
    _rule("", "pods/log", "get"),
    _rule("", "events", "list"),
)
"""Of the daemon: it starts runs, looks after them, says what became of their pods, and ends them."""
TERMINATE = (_rule("batch", "jobs", "delete"), _rule("", "pods", "delete", "list"))
"""Of the webserver: it ends runs when somebody asks for it; the daemon starts them."""
WORK = (
    _rule("batch", "jobs", "create", "delete", "get", "list"),
    _rule("batch", "jobs/status", "get"),
    _rule("", "pods", "create", "delete", "get", "list"),
    _rule("", "pods/log", "get"),
    _rule("", "events", "list"),
)
"""Of runs whose steps are Jobs or pods of their own."""


def role(part: Part, rules: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    """The Role of a part's pods."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": part.metadata(),
        "rules": list(rules),
    }


def role_binding(part: Part, account: str) -> dict[str, Any]:
    """What gives the Role of a part to a ServiceAccount."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": part.metadata(),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": part.name},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": RELEASE_NAMESPACE}],
    }
