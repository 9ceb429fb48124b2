"""The Secrets that the parts read: existing ones, fetched by the External Secrets Operator, or generated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

import pydantic
from pydantic import StringConstraints, create_model

from floe_charts.constructs.part import PlatformPart, RequiredSecret, SecretKey
from floe_charts.deployment import Environment
from floe_charts.helm import DnsName, Field, HelmChart, Values, default, eq, ne, variable
from floe_charts.helm.expr import expression, node_of, whole_expression
from floe_charts.helm.nodes import Call, Constant, Raw, ValueRef
from floe_charts.helm.patterns import form
from floe_charts.helm.rules import ValueRule
from floe_charts.helm.spec import INTEGER, STRING, Spec

__all__ = ["PlatformSecrets", "SecretsValues", "StoreRef"]

_Duration = Annotated[
    str, StringConstraints(pattern=form(r"^[1-9][0-9]{0,5}(s|m|h)$", "a span of time, such as 90s, 10m or 1h"))
]
_RemoteKey = Annotated[
    str,
    StringConstraints(
        pattern=form(
            r"^[A-Za-z0-9._/:-]*$", "the key of an entry in the store: letters, digits and the signs . _ / : -"
        ),
        max_length=500,
    ),
]
_BECAUSE = (
    "generated Secrets are for development and test; elsewhere a GitOps controller, which cannot look up the old ones, "
    "would make new passwords at each sync"
)


class StoreRef(Values):
    """The SecretStore that ExternalSecrets are fetched from."""

    name: DnsName = Field("floe", description="Name of the store.")
    kind: Literal["ClusterSecretStore", "SecretStore"] = Field("ClusterSecretStore", description="Kind of the store.")


class ForeignSecretSource(Values):
    """Where one Secret comes from whose values only somebody else knows."""

    source: Literal["existing", "external"] | None = Field(
        None, description="Where it comes from, instead of secrets.source; where that is generated, it exists."
    )
    remote_key: _RemoteKey = Field("", description="Its key in the store; empty: the Secret's name.")


class SecretSource(Values):
    """Where one Secret comes from."""

    source: Literal["existing", "external", "generated"] | None = Field(
        None, description="Where it comes from, instead of secrets.source."
    )
    remote_key: _RemoteKey = Field("", description="Its key in the store; empty: the Secret's name.")


class SecretsValues(Values):
    """Where the Secrets come from that the platform's parts read."""

    source: Literal["existing", "external", "generated"] = Field(
        "existing",
        description="They exist; or are external, fetched by the External Secrets Operator; or are generated, as far "
        "as they can be, and kept over upgrades: in development and test only.",
    )
    store: StoreRef = StoreRef()
    refresh_interval: _Duration = Field("1h", description="How often external Secrets are fetched.")


class PlatformSecrets(PlatformPart[SecretsValues]):
    """An ExternalSecret and a generated Secret for each Secret that a part reads, each where its source asks for it."""

    title: ClassVar[str] = "Secrets"

    def __init__(self, chart: HelmChart, id: str = "secrets", *, secrets: Sequence[RequiredSecret]) -> None:
        """``secrets`` are those of all parts, each once."""
        self.secrets = tuple(secrets)
        self._index = {secret: index for index, secret in enumerate(self.secrets)}
        sources = tuple((secret.id, secret.can_be_generated, secret.purpose) for secret in self.secrets)
        super().__init__(chart, id, _values_class(sources)())

    def rules(self, environments: Sequence[str]) -> tuple[ValueRule, ...]:
        """That Secrets are generated in ``environments`` only."""
        generated = [f"{self.id}.{secret.id}.source" for secret in self.secrets if secret.can_be_generated]
        paths = [f"{self.id}.source", *generated]
        return tuple(ValueRule(path, ("generated",), "environment", tuple(environments), _BECAUSE) for path in paths)

    def environment_values(self, environment: Environment) -> Mapping[str, Any]:
        """The environment's own source."""
        return {"source": environment.secrets} if environment.secrets != "existing" else {}

    def must_exist(self, secret: RequiredSecret) -> bool:
        """The condition that neither the release nor the External Secrets Operator makes ``secret``, one of all."""
        values: SecretSource = getattr(self.refs, _attribute(self._index[secret]))
        source = default(values.source, self.refs.source)
        return eq(source, "existing") if secret.can_be_generated else ne(source, "external")

    def missing(self, values: Mapping[str, Any]) -> list[RequiredSecret]:
        """Those of the Secrets that must exist by the final ``values`` of this part in an environment."""
        common = values.get("source", "existing")
        sources = {secret: values.get(secret.id, {}).get("source", common) for secret in self.secrets}
        return [
            secret
            for secret, source in sources.items()
            if source == "existing" or (source == "generated" and not secret.can_be_generated)
        ]

    def notices(self, served: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
        """Names that values give to several Secrets, where the release is to make one of them: it can make only one."""
        found: dict[str, None] = {}
        for environment, values in served.items():
            existing = self.missing(values[self.id])
            by_name: dict[str, list[RequiredSecret]] = {}
            for secret in self.secrets:
                by_name.setdefault(_name_in(values, secret), []).append(secret)
            for name, secrets in by_name.items():
                if len(secrets) > 1 and any(secret not in existing for secret in secrets):
                    ids = " and ".join(f"{self.id}.{secret.id}" for secret in secrets)
                    found[f"{environment}: {ids} are one Secret, {name}, which can be made once; give each its own"] = (
                        None
                    )
        return tuple(found)

    def build(self, v: SecretsValues) -> None:
        """Two templates for each Secret, of which one renders at most."""
        for index, secret in enumerate(self.secrets):
            values: SecretSource = getattr(v, _attribute(index))
            source = default(values.source, v.source)
            with self._needed(secret):
                with self.when(eq(source, "external")):
                    self.add(self._external_secret(v, values, secret), name=self._file(secret))
                if secret.can_be_generated:
                    with self.when(eq(source, "generated")):
                        self._add_generated(secret)

    def _needed(self, secret: RequiredSecret) -> AbstractContextManager[object]:
        return nullcontext() if secret.when is None else self.when(secret.when)

    def _file(self, secret: RequiredSecret) -> str:
        return secret.name.removeprefix(f"{self.chart.values.fullname_override}-")

    # External Secrets Operator, external-secrets.io/v1

    def _external_secret(self, v: SecretsValues, values: SecretSource, secret: RequiredSecret) -> dict[str, Any]:
        name = _name(secret)
        remote = default(values.remote_key, name)
        fetched = [key for key in secret.keys if not key.text and not key.same_as]
        made = {key.name: key.text or f"{{{{ {_field(key.same_as)} }}}}" for key in secret.keys if key not in fetched}
        shape = {
            **({"type": secret.type} if secret.type != "Opaque" else {}),
            **({"metadata": {"labels": dict(secret.labels)}} if secret.labels else {}),
            **({"data": made} if made else {}),
        }
        template = {"template": {"engineVersion": "v2", "mergePolicy": "Merge", **shape}} if shape else {}
        return {
            "apiVersion": "external-secrets.io/v1",
            "kind": "ExternalSecret",
            "metadata": self.metadata(name, "secrets"),
            "spec": {
                "refreshInterval": v.refresh_interval,
                "secretStoreRef": {"name": v.store.name, "kind": v.store.kind},
                "target": {"name": name, "creationPolicy": "Owner", **template},
                "data": [
                    {"secretKey": key.name, "remoteRef": {"key": remote, "property": key.name}} for key in fetched
                ],
            },
        }

    # Generated

    def _add_generated(self, secret: RequiredSecret) -> None:
        name = _name(secret)
        before = variable("before", expression(_data_of(name)))
        random = {key.name: _random(f"text{index}", key) for index, key in enumerate(secret.keys) if key.random}
        data = {}
        for key in secret.keys:
            text = random.get(key.same_as or key.name)
            data[key.name] = text if text is not None else expression(Call("b64enc", (node_of(key.text),), STRING))
        kept = {"helm.sh/resource-policy": "keep"}
        metadata = self.metadata(name, "secrets", annotations=kept, labels=dict(secret.labels))
        self.add(
            {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": secret.type, "data": data},
            name=self._file(secret),
            variables=[before, *random.values()],
        )


def _field(key: str) -> str:
    """A key in the operator's template, in which only words can stand behind a dot."""
    return f".{key}" if key.isidentifier() else f'index . "{key}"'


def _name(secret: RequiredSecret) -> str:
    return secret.name if secret.reference is None else secret.reference


def _name_in(values: Mapping[str, Any], secret: RequiredSecret) -> str:
    """The name of a Secret by the whole chart's final values."""
    node = whole_expression(secret.reference)
    here: Any = values
    for key in node.path if isinstance(node, ValueRef) else ():
        here = here.get(key) if isinstance(here, Mapping) else None
    return here if isinstance(here, str) else secret.name


def _data_of(name: str) -> Raw:
    """What the Secret holds already; without a cluster, as in ``helm template``, nothing."""
    text = f'get (lookup "v1" "Secret" $.Release.Namespace {node_of(name).operand("$")}) "data" | default dict'
    return Raw(text, Spec("map", item=STRING), tuple(node_of(name).reads()))


def _random(name: str, key: SecretKey) -> str:
    """A text of random letters and digits, in base64; the one that is there already stays."""
    made = Call("b64enc", (Call("randAlphaNum", (Constant(key.random, INTEGER),), STRING),), STRING)
    before = Raw(f'get $before "{key.name}"', STRING)
    value: str = expression(Call("default", (made, before), STRING))
    return variable(name, value)


def _attribute(index: int) -> str:
    return f"secret{index}"


@cache
def _values_class(sources: tuple[tuple[str, bool, str], ...]) -> type[SecretsValues]:
    fields: dict[str, Any] = {}
    for index, (name, can_be_generated, purpose) in enumerate(sources):
        model: type[Values] = SecretSource if can_be_generated else ForeignSecretSource
        described = f"{purpose[0].upper()}{purpose[1:]}."
        fields[_attribute(index)] = (model, pydantic.Field(model(), alias=name, description=described))
    return create_model("SecretsValues", __base__=SecretsValues, __doc__=SecretsValues.__doc__, **fields)
