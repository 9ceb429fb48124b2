"""The kinds of text among PostgreSQL's values: what a schema can say of them, so that whatever it accepts works."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import StringConstraints

from floe_charts.helm import Field, ResourceList, Values
from floe_charts.helm.patterns import form

__all__ = [
    "BackupSchedule",
    "ClaimSize",
    "CronSchedule",
    "HostName",
    "OptionalName",
    "ParameterName",
    "ParameterText",
    "SmallResources",
]

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
OptionalName = Annotated[str, StringConstraints(pattern=rf"^({_LABEL}(\.{_LABEL})*)?$", max_length=253)]
"""The name of an object, or none."""
# An ExternalName Service takes a name, not an address: the last label begins with a letter.
HostName = Annotated[
    str,
    StringConstraints(
        pattern=form(
            rf"^({_LABEL}\.)*[a-z]([-a-z0-9]*[a-z0-9])?$",
            "the DNS name of a server, such as db.example.com, not its address",
        ),
        max_length=253,
    ),
]
"""The DNS name of a server."""
ClaimSize = Annotated[
    str,
    StringConstraints(
        pattern=form(r"^[1-9][0-9]*(Mi|Gi|Ti|M|G|T)$", "the size of a volume, such as 500Mi or 10Gi"), max_length=12
    ),
]
"""The size of a volume."""

# The parameters that CloudNativePG refuses (FixedConfigurationParameters in its pkg/postgres/configuration.go, 1.30).
_FIXED = "|".join((
    "allow_system_table_mods", "archive_(cleanup_command|command|library|mode)", "bonjour(_name)?", "cluster_name",
    "config_file", "data_(directory|sync_retry)", "event_source", "external_pid_file", "hba_file", "hot_standby",
    "ident_file", "jit_provider", "listen_addresses", "logging_collector",
    "log_(destination|directory|file_mode|filename|rotation_age|rotation_size|truncate_on_rotation)",
    r"pg_failover_slots\..*", "port", "primary_(conninfo|slot_name)", "promote_trigger_file",
    "recovery_(end_command|min_apply_delay|target.*)", "restart_after_crash", "restore_command",
    "shared_preload_libraries", "ssl(_.*)?", "stats_temp_directory", "synchron(ized_standby_slots|ous_standby_names)",
    "syslog_.*", "temp_tablespaces", "unix_socket_(directories|group|permissions)",
))  # fmt: skip


class _NotFixed:
    """Refuses the names of parameters that are not the user's to set."""

    json_schema: ClassVar = {"not": {"pattern": f"^({_FIXED})$"}}


ParameterName = Annotated[
    str,
    StringConstraints(
        pattern=form(
            r"^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$", "the name of a setting of PostgreSQL, such as work_mem"
        ),
        max_length=63,
    ),
    _NotFixed(),
]
"""The name of a setting of PostgreSQL."""
# No dollar sign: Kubernetes would replace $(NAME) in the arguments of a container.
ParameterText = Annotated[
    str, StringConstraints(pattern=form(r"^[ -#%-~]*$", "a text of printable ASCII without $"), max_length=1000)
]
"""The value of a setting of PostgreSQL."""


def _cron(*fields: str) -> str:
    """The pattern of a schedule; each field is a number's pattern. Ranges are left out: their ends can be reversed."""
    return "^" + " ".join(rf"(\*(/[1-9][0-9]?)?|({one})(,({one}))*)" for one in fields) + "$"


_SIXTY = "[1-5]?[0-9]"
_DAY_AND_TIME = (_SIXTY, "1?[0-9]|2[0-3]", "[1-9]|[12][0-9]|3[01]", "[1-9]|1[0-2]", "[0-6]")
CronSchedule = Annotated[
    str,
    StringConstraints(
        pattern=form(
            _cron(*_DAY_AND_TIME),
            "a cron expression of five fields in numbers (minute, hour, day, month, weekday) such as 30 2 * * 0",
        ),
        max_length=100,
    ),
]
"""When a CronJob runs: minute, hour, day of the month, month, day of the week."""
BackupSchedule = Annotated[
    str,
    StringConstraints(
        pattern=form(
            _cron(_SIXTY, *_DAY_AND_TIME),
            "a cron expression of six fields in numbers, the first of them seconds, such as 0 30 2 * * 0",
        ),
        max_length=100,
    ),
]
"""When a ScheduledBackup runs: second, minute, hour, day of the month, month, day of the week."""


class SmallResources(Values):
    """CPU and memory of what is beside the servers; no resource preset sets them."""

    requests: ResourceList = Field(ResourceList(cpu="50m", memory="128Mi"), description="What the scheduler reserves.")
    limits: ResourceList = Field(ResourceList(cpu="500m", memory="512Mi"), description="What the container may use.")
