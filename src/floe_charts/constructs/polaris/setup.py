"""What is done in Polaris after each install and upgrade: the bootstrap, then catalogs, roles and principals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from floe_charts.constructs.network import POLARIS, POSTGRES, Edge, Workload
from floe_charts.constructs.object_store import ObjectStore
from floe_charts.constructs.part import Check, Claim, PlatformPart, RequiredSecret, SecretKey
from floe_charts.constructs.polaris.server import (
    CLIENT_ID_KEY,
    CLIENT_SECRET_KEY,
    DATABASE,
    GID,
    ROOT_ID,
    ROOT_SECRET,
    UID,
    PolarisServer,
)
from floe_charts.constructs.polaris.setup_files import BOOTSTRAP_FILE, FILES, PROGRAM_FILE, WANTED_FILE
from floe_charts.constructs.polaris.setup_values import CatalogValues, PolarisSetupValues, PrincipalValues
from floe_charts.constructs.postgres.client import postgres_client
from floe_charts.constructs.postgres.wait import wait_for_database
from floe_charts.helm import (
    HelmChart,
    and_,
    each,
    join,
    nonempty,
    not_,
    or_,
    pod_security,
    restricted_security,
    secret_key,
    to_json,
)

__all__ = ["PolarisSetup"]

_BOOTSTRAP, _SETUP = "polaris-bootstrap", "polaris-setup"
_CONFIG, _CREDENTIALS = "/etc/polaris-setup", "/etc/polaris-credentials"
_HOOK = "post-install,post-upgrade"


class PolarisSetup(PlatformPart[PolarisSetupValues]):
    """Two Jobs, hooks of Helm, which can run at any time again; made by :class:`PolarisCatalog`.

    ``<fullname>-polaris-bootstrap`` runs Polaris' admin tool, where Polaris keeps its catalogs in PostgreSQL.
    ``<fullname>-polaris-setup`` then makes catalogs, roles and principals through Polaris' API, by the program
    :mod:`~floe_charts.constructs.polaris.setup_program`.

    They run once the release's objects are there, and with ``helm --wait`` and in Argo CD once these are healthy. So
    the server must come up before the bootstrap; that what it is asked meanwhile does no harm is for its configuration.
    """

    title: ClassVar[str] = "Polaris setup"

    def __init__(
        self,
        chart: HelmChart,
        id: str,
        server: PolarisServer,
        *,
        version: str,
        catalogs: Mapping[str, CatalogValues] | None = None,
        principals: Mapping[str, PrincipalValues] | None = None,
    ) -> None:
        """``version`` is Polaris'; ``catalogs`` and ``principals`` are the defaults."""
        defaults = PolarisSetupValues()
        values = defaults.model_copy(
            update={
                "admin_image": defaults.admin_image.model_copy(update={"tag": version}),
                "secret_name": f"{POLARIS.static_host(chart)}-bootstrap",
                "catalogs": dict(sorted((catalogs or {}).items())),
                "principals": dict(sorted((principals or {}).items())),
            }
        )
        super().__init__(chart, id, values)
        self.server = server

    @property
    def _runs(self) -> bool:
        return and_(self.server.enabled, self.refs.enabled)

    def workloads(self) -> tuple[Workload, ...]:
        """The pods of both Jobs."""
        return (
            Workload(_BOOTSTRAP, "Polaris bootstrap", and_(self._runs, self.server.in_database)),
            Workload(_SETUP, "Polaris setup", self._runs),
        )

    def edges(self) -> tuple[Edge, ...]:
        """The bootstrap writes to the database, setup asks the server."""
        return (Edge(_BOOTSTRAP, POSTGRES, "bootstrap"), Edge(_SETUP, POLARIS, "catalogs, roles, principals"))

    def required_secrets(self) -> tuple[RequiredSecret, ...]:
        """The credentials of Polaris' root principal."""
        needed = or_(self.refs.enabled, not_(self.server.in_database))
        return (
            RequiredSecret(
                "polarisBootstrap",
                self.values.secret_name,
                (SecretKey(CLIENT_ID_KEY, random=16), SecretKey(CLIENT_SECRET_KEY, random=32)),
                "root principal of Polaris, which is bootstrapped with it",
                self.refs.secret_name,
                and_(self.server.enabled, needed),
                f"{self.id}.enabled is true, or Polaris keeps its catalogs in memory",
            ),
        )

    def checks(self) -> tuple[Check, ...]:
        """Every principal logs in with its Secret's credentials and looks into its catalogs."""
        v = self.refs
        return (
            Check(
                "polaris-catalogs",
                f"python3 {_CONFIG}/{PROGRAM_FILE} check",
                (POLARIS,),
                env=self._env(v),
                image=v.image,
                when=and_(self._runs, nonempty(v.principals)),
                volumes=[self._config_volume(), _credentials(_of_principals(v))],
                mounts={"config": _CONFIG, "token": _CREDENTIALS},
            ),
        )

    def claims(self, values: Mapping[str, Any]) -> Sequence[Claim]:
        """One Job after the other."""
        return (Claim(1, values["resources"]),) if values["enabled"] else ()

    def build(self, v: PolarisSetupValues) -> None:
        """The files, and both Jobs."""
        wanted = f'{{"catalogs": {to_json(v.catalogs)}, "principals": {to_json(v.principals)}}}'
        with self.when(self._runs):
            self.add(self.config_map(self.name(_SETUP), {**FILES, WANTED_FILE: wanted}, _SETUP))
            with self.when(self.server.in_database):
                self._bootstrap(v)
            self._setup(v)

    def _bootstrap(self, v: PolarisSetupValues) -> None:
        part, server, client = self.part(_BOOTSTRAP), self.server, postgres_client(self.chart)
        wait = wait_for_database(
            self,
            v.client_image,
            client,
            database=DATABASE,
            secret=server.secret,
            username_key=server.username_key,
            password_key=server.password_key,
        )
        tool = part.container(
            v.admin_image,
            values=v,
            command=["bash", f"{_CONFIG}/{BOOTSTRAP_FILE}"],
            env={
                "POLARIS_REALMS": join(",", server.realms),
                "QUARKUS_DATASOURCE_JDBC_URL": client.jdbc_url(DATABASE),
                "QUARKUS_DATASOURCE_USERNAME": secret_key(server.secret, server.username_key),
                "QUARKUS_DATASOURCE_PASSWORD": secret_key(server.secret, server.password_key),
                ROOT_ID: secret_key(v.secret_name, CLIENT_ID_KEY),
                ROOT_SECRET: secret_key(v.secret_name, CLIENT_SECRET_KEY),
            },
            resources=v.resources,
            security=restricted_security(uid=UID),
            mounts={"config": _CONFIG, "tmp": "/tmp", **client.mounts},
        )
        # The file with the credentials never touches a disk.
        volumes = [self._config_volume(), {"name": "tmp", "emptyDir": {"medium": "Memory"}}, *client.volumes]
        self.add(
            part.job([tool], init_containers=[wait], volumes=volumes, hook_weight=1, **self._job(v)), name=_BOOTSTRAP
        )

    def _setup(self, v: PolarisSetupValues) -> None:
        part = self.part(_SETUP)
        store: ObjectStore | None = self.chart.component(ObjectStore)
        more: dict[str, Any] = {"envFrom": [{"configMapRef": {"name": store.name("object-store")}}]} if store else {}
        program = part.container(
            v.image,
            values=v,
            command=["python3", f"{_CONFIG}/{PROGRAM_FILE}"],
            env=self._env(v),
            **more,
            resources=v.resources,
            security=restricted_security(uid=UID),
            mounts={"config": _CONFIG, "token": _CREDENTIALS},
        )
        keys = {CLIENT_ID_KEY: f"root/{CLIENT_ID_KEY}", CLIENT_SECRET_KEY: f"root/{CLIENT_SECRET_KEY}"}
        root = {"secret": {"name": v.secret_name, "items": _items(keys)}}
        volumes = [self._config_volume(), _credentials([root, *_of_principals(v)])]
        self.add(part.job([program], volumes=volumes, hook_weight=2, **self._job(v)), name=_SETUP)

    def _job(self, v: PolarisSetupValues) -> dict[str, Any]:
        """What both Jobs have in common."""
        return {
            "hook": _HOOK,
            "deadline": v.deadline_seconds,
            "backoff_limit": 6,
            "ttl": 3600,
            "security": pod_security(uid=UID, gid=GID, fs_group=GID),
            "pod": {"enableServiceLinks": False},
            "values": v,
        }

    def _env(self, v: PolarisSetupValues) -> dict[str, Any]:
        return {
            "POLARIS_URL": POLARIS.url(self.chart),
            "POLARIS_REALMS": join(",", self.server.realms),
            "WANTED_FILE": f"{_CONFIG}/{WANTED_FILE}",
            "CREDENTIALS_DIRECTORY": _CREDENTIALS,
            "CLIENT_ENDPOINT_URL": v.client_endpoint,
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def _config_volume(self) -> dict[str, Any]:
        return {"name": "config", "configMap": {"name": self.name(_SETUP)}}


def _credentials(sources: Sequence[Any]) -> dict[str, Any]:
    return {"name": "token", "projected": {"sources": sources}}


def _of_principals(v: PolarisSetupValues) -> list[Any]:
    """The files ``principals/<name>/client-id`` and ``client-secret`` of each principal."""
    return [
        *each(
            v.principals,
            lambda name, principal: {
                "secret": {
                    "name": principal.secret_name,
                    "items": _items(
                        {
                            principal.client_id_key: f"principals/{name}/{CLIENT_ID_KEY}",
                            principal.client_secret_key: f"principals/{name}/{CLIENT_SECRET_KEY}",
                        }
                    ),
                }
            },
        )
    ]


def _items(paths: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "path": path} for key, path in paths.items()]
