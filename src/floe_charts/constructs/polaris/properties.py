"""application.properties of Polaris, in Java's format for properties, and the types of what values may put there.

The patterns leave out what that format would read as something else: backslashes, line breaks, leading spaces. What
remains is the property's text, in which Quarkus replaces ``${NAME}`` by an environment variable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import StringConstraints

from floe_charts.constructs.network import POLARIS, POLARIS_MANAGEMENT
from floe_charts.helm import each, eq, join, not_, text_lines, when
from floe_charts.helm.patterns import form

if TYPE_CHECKING:
    from floe_charts.constructs.polaris.native import NativePolarisValues

__all__ = [
    "BEFORE_BOOTSTRAP",
    "FeatureName",
    "PropertyName",
    "PropertyText",
    "RealmName",
    "polaris_properties",
]

PropertyName = Annotated[
    str,
    StringConstraints(
        pattern=form(
            r"^[A-Za-z0-9_.\"\[\]-]+$", "the name of a property, such as polaris.features.DROP_WITH_PURGE_ENABLED"
        ),
        max_length=200,
    ),
]
"""The name of a property; of an entry of a map with the entry's key in quotes."""
PropertyText = Annotated[
    str,
    StringConstraints(
        pattern=form(
            r"^([!-\[\]-~][ -\[\]-~]*)?$", "a text of printable ASCII without backslashes and without a space in front"
        ),
        max_length=4000,
    ),
]
"""The text of a property."""
FeatureName = Annotated[
    str,
    StringConstraints(
        pattern=form(r"^[A-Za-z0-9_.-]+$", "a name of letters, digits, '_', '.' and '-'"), max_length=200
    ),
]
"""The name of one of Polaris' feature flags."""
RealmName = Annotated[
    str, StringConstraints(pattern=form(r"^[A-Za-z0-9_-]+$", "a name of letters, digits, '_' and '-'"), max_length=64)
]
"""The name of a realm."""

BEFORE_BOOTSTRAP = ('polaris.behavior-changes."SCHEMA_VERSION_FALL_BACK_ON_DNE"', "false")
"""The property (and its value) without which a request before the bootstrap does harm.

Polaris would take the missing schema for one of the oldest version, and remember that until it is restarted
(JdbcMetaStoreManagerFactory of 1.7.0).
"""


def polaris_properties(v: NativePolarisValues, token_file: str) -> Any:
    """The text of application.properties; ``token_file`` is the file with the key that signs tokens."""
    name, value = BEFORE_BOOTSTRAP
    return text_lines(
        "polaris.realm-context.type=default",
        f"polaris.realm-context.realms={join(',', v.realms)}",
        f"polaris.realm-context.require-header={v.require_realm_header}",
        f"polaris.persistence.type={v.persistence.type}",
        *when(
            eq(cast("str", v.persistence.type), "relational-jdbc"),
            [
                "polaris.persistence.relational.jdbc.database-type=postgresql",
                f"quarkus.datasource.jdbc.max-size={v.database.max_connections}",
            ],
        ),
        f"{name}={value}",
        "polaris.authentication.type=internal",
        "polaris.authentication.token-broker.type=symmetric-key",
        f"polaris.authentication.token-broker.symmetric-key.file={token_file}",
        f"quarkus.http.port={POLARIS.port}",
        f"quarkus.management.port={POLARIS_MANAGEMENT.port}",
        f"quarkus.http.access-log.enabled={v.access_log}",
        f"quarkus.log.level={v.log_level}",
        # The root of the file system cannot be written.
        "quarkus.log.file.enabled=false",
        f"quarkus.otel.sdk.disabled={not_(v.tracing.enabled)}",
        *when(
            v.tracing.enabled,
            [
                f"quarkus.otel.exporter.otlp.endpoint={v.tracing.endpoint}",
                f"quarkus.otel.resource.attributes[0]=service.name={v.tracing.service_name}",
                "quarkus.otel.traces.sampler=parentbased_traceidratio",
                f"quarkus.otel.traces.sampler.arg={v.tracing.sample_ratio}",
            ],
        ),
        *each(v.features, lambda feature, setting: f'polaris.features."{feature}"={setting}'),
        # Of two lines with one name the last one holds.
        *each(v.properties, lambda property, text: f"{property}={text}"),
    )
