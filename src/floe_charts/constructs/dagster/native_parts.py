"""The objects of Dagster where every template is generated here (strategy ``native``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from floe_charts.constructs.dagster.config import STORAGE_PATH, instance_config, launcher_config
from floe_charts.constructs.dagster.database import DagsterDatabase
from floe_charts.constructs.dagster.migration import add_migration
from floe_charts.constructs.dagster.native import NativeDaemonValues, NativeDagsterValues, NativeWebserverValues
from floe_charts.constructs.dagster.roles import LAUNCH, TERMINATE, WORK, role, role_binding
from floe_charts.constructs.dagster.strategy import FEW_RUNS, DagsterStrategy
from floe_charts.constructs.dagster.wiring import DAEMON, DAGSTER_HOME, ENVIRONMENT, RUN, WEBSERVER, WORKSPACE
from floe_charts.constructs.lifecycle import DRAIN
from floe_charts.constructs.network import DAGSTER_WEBSERVER
from floe_charts.constructs.part import Claim, workload_claim
from floe_charts.constructs.service_values import service_fields
from floe_charts.deployment import Environment
from floe_charts.helm import (
    AccountPodValues,
    Part,
    http_probe,
    nonempty,
    not_,
    pod_security,
    restricted_security,
    when,
    yaml_text,
)

__all__ = ["NativeDagster"]

_DATABASE = "dagster"
_INSTANCE = "dagster-instance"
_INSTANCE_FILE, _WORKSPACE_FILE = "dagster.yaml", "workspace.yaml"
# Kubernetes' variables for Services would be taken for options: DAGSTER_WEBSERVER_PORT.
_POD = {"enableServiceLinks": False}


class NativeDagster(DagsterStrategy):
    """Makes every object of Dagster.

    Nothing but ``/tmp`` and the storage directory is written, both volumes that end with the pod: the root file system
    and ``DAGSTER_HOME``, which holds dagster.yaml and workspace.yaml, cannot be.
    """

    @property
    def v(self) -> NativeDagsterValues:
        """The values, as expressions."""
        return cast("NativeDagsterValues", self.component.refs)

    @property
    def database(self) -> DagsterDatabase:
        """Its name and role are fixed."""
        return DagsterDatabase(self.component, _DATABASE, self.v.database.secret_name)

    @property
    def default_names(self) -> tuple[str, str, str]:
        """Database, role, Secret."""
        return _DATABASE, _DATABASE, cast("NativeDagsterValues", self.component.values).database.secret_name

    @property
    def has_daemon(self) -> bool | None:
        """Always."""
        return None

    @property
    def ends_runs(self) -> bool | None:
        """Where it is not read-only."""
        return not_(self.v.webserver.read_only)

    @property
    def starts_jobs(self) -> bool:
        """Where the values say so."""
        return self.v.runs.kubernetes_access

    @property
    def path_prefix(self) -> str:
        """The value."""
        return self.v.webserver.path_prefix

    def claims(self, values: Mapping[str, Any]) -> Iterator[Claim]:
        """The daemon is ended before it is replaced."""
        yield workload_claim(values["webserver"])
        yield Claim(1, values["daemon"]["resources"])
        yield Claim(values["runs"]["maxConcurrentRuns"], values["runs"]["resources"])

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        """Two webservers where high availability matters; ports on the nodes where people try things out."""
        if environment.high_availability:
            return {"webserver": {"replicas": 2, "podDisruptionBudget": {"enabled": True}}}
        if environment.kind in ("development", "test"):
            return {"webserver": {"service": {"type": "NodePort"}}, "runs": {"maxConcurrentRuns": FEW_RUNS}}
        return {}

    def build(self) -> None:
        """All objects."""
        v, uid = self.v, self.v.run_as_user
        self._add_runs()
        instance = self.component.add(self._instance(), name=_INSTANCE)
        self._checksums = {**self.checksums(), "instance": instance.file, "workspace": f"{WORKSPACE}-configmap.yaml"}
        self._add_webserver(v.webserver)
        self._add_daemon(v.daemon)
        wait = self.database.wait_container(v.wait_image, uid=uid, resources=v.wait_resources)
        add_migration(v.migration, self.database, image=v.image, wait=wait, uid=uid)

    # The instance

    def _instance(self) -> dict[str, Any]:
        v, name = self.v, self.component.name(_INSTANCE)
        store = self.wiring.store
        config_maps: list[Any] = [self.component.name(ENVIRONMENT)]
        secrets: list[Any] = []
        if store is not None:
            config_maps.append(self.component.name("object-store"))
            secrets.append(when(store.has_secret, store.refs.secret_name))
        launcher = launcher_config(
            self._run_pod(),
            instance_config_map=name,
            config_maps=[*config_maps, *v.runs.env_config_maps],
            secrets=[*secrets, *v.runs.env_secrets],
            job_ttl_seconds=v.runs.job_ttl_seconds,
        )
        config = instance_config(v, self.database.storage(), launcher)
        return self.component.config_map(name, {_INSTANCE_FILE: yaml_text(config)}, _INSTANCE)

    # Webserver and daemon

    def _add_webserver(self, v: NativeWebserverValues) -> None:
        web = self.component.part(WEBSERVER, ports={DAGSTER_WEBSERVER.port_name: DAGSTER_WEBSERVER.port})
        command = [
            "dagster-webserver",
            "--host=0.0.0.0",
            f"--port={DAGSTER_WEBSERVER.port}",
            f"--workspace={DAGSTER_HOME}/{_WORKSPACE_FILE}",
            f"--dagster-log-level={self.v.log_level}",
            f"--log-format={self.v.log_format}",
            when(v.read_only, "--read-only"),
            when(nonempty(v.path_prefix), f"--path-prefix={v.path_prefix}"),
        ]
        path, port = f"{v.path_prefix}/server_info", DAGSTER_WEBSERVER.port_name
        web.add_service_account(v, WEBSERVER)
        self.component.add(
            web.deployment(
                **self._process(web, command),
                resources=v.resources,
                # Importing the code of the data products can take minutes.
                startupProbe=http_probe(path, port, failures=60, timeout=10),
                livenessProbe=http_probe(path, port, period=20, failures=6, timeout=10),
                readinessProbe=http_probe(path, port, timeout=10),
                lifecycle=DRAIN,
                pod={**_POD, "automountServiceAccountToken": not_(v.read_only)},
                values=v,
            ),
            name=WEBSERVER,
        )
        with self.component.when(not_(v.read_only)):
            self._grant(web, v, TERMINATE)
        self.component.add(web.service(**service_fields(v.service)), name=WEBSERVER)
        web.add_scaling(v, WEBSERVER)
        with self.component.when(v.ingress.enabled):
            self.component.add(web.ingress(v.ingress), name=WEBSERVER)
        with self.component.when(v.route.enabled):
            self.component.add(web.http_route(v.route), name=WEBSERVER)

    def _add_daemon(self, v: NativeDaemonValues) -> None:
        """One pod. No probe asks it: a probe would ask the database, and it ends itself when a thread dies or hangs."""
        daemon = self.component.part(DAEMON)
        command = [
            "dagster-daemon",
            "run",
            f"--workspace={DAGSTER_HOME}/{_WORKSPACE_FILE}",
            f"--log-level={self.v.log_level}",
            f"--log-format={self.v.log_format}",
        ]
        daemon.add_service_account(v, DAEMON)
        self.component.add(
            daemon.deployment(
                **self._process(daemon, command),
                replicas=1,
                # Dagster takes one at a time.
                strategy={"type": "Recreate"},
                resources=v.resources,
                pod={**_POD, "automountServiceAccountToken": True},
                values=v,
            ),
            name=DAEMON,
        )
        self._grant(daemon, v, LAUNCH)

    def _process(self, part: Part, command: list[Any]) -> dict[str, Any]:
        """What the Deployments of webserver and daemon have in common."""
        v = self.v
        return {
            "image": v.image,
            "command": command,
            "env": self._env(part.part_name, DAGSTER_HOME=DAGSTER_HOME),
            "envFrom": [{"configMapRef": {"name": self.component.name(ENVIRONMENT)}}],
            "security": restricted_security(uid=v.run_as_user),
            "mounts": self._mounts(),
            "init_containers": [
                self.database.wait_container(v.wait_image, uid=v.run_as_user, resources=v.wait_resources)
            ],
            "volumes": self._volumes({"configMap": {"name": self.component.name(WORKSPACE)}}),
            "checksums": self._checksums,
            "pod_security": pod_security(uid=v.run_as_user, fs_group=v.run_as_user),
        }

    # Runs

    def _add_runs(self) -> None:
        run, v = self.component.part(RUN), self.v.runs
        run.add_service_account(v, RUN)
        with self.component.when(v.kubernetes_access):
            self._grant(run, v, WORK)

    def _run_pod(self) -> dict[str, Any]:
        """The pod of a run, for the launcher, which puts image and arguments into it."""
        run, v = self.component.part(RUN), self.v
        container = run.container(
            v.image,
            env=self._env(RUN),
            resources=v.runs.resources,
            security=restricted_security(uid=v.run_as_user),
            mounts=self._mounts(),
            values=v.runs,
        )
        return run.pod(
            [container],
            volumes=self._volumes(),
            security=pod_security(uid=v.run_as_user, fs_group=v.run_as_user),
            service_account=run.service_account_name(v.runs),
            pod={
                **_POD,
                "automountServiceAccountToken": v.runs.kubernetes_access,
                "terminationGracePeriodSeconds": v.runs.termination_grace_period_seconds,
            },
            values=v.runs,
        )

    # What all have

    def _env(self, process: str, **more: str) -> dict[str, Any]:
        return {**more, "HOME": "/tmp", **self.database.env, **self.wiring.service_name(process)}

    def _mounts(self) -> dict[str, Any]:
        own = {"config": DAGSTER_HOME, "storage": STORAGE_PATH, "tmp": "/tmp"}
        return {**own, **self.wiring.facts_mounts, **self.database.mounts}

    def _volumes(self, *more_config: Mapping[str, Any]) -> list[Any]:
        instance = {"configMap": {"name": self.component.name(_INSTANCE)}}
        return [
            {"name": "config", "projected": {"sources": [instance, *more_config]}},
            {"name": "storage", "emptyDir": {}},
            {"name": "tmp", "emptyDir": {}},
            *self.wiring.facts_volumes,
            *self.database.volumes,
        ]

    def _grant(self, part: Part, v: AccountPodValues, rules: tuple[dict[str, Any], ...]) -> None:
        with self.component.when(self.v.rbac_enabled):
            self.component.add(role(part, rules), name=part.part_name)
            self.component.add(role_binding(part, part.service_account_name(v)), name=part.part_name)
