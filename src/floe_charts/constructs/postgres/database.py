"""Who uses PostgreSQL: one database and one role per consumer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from floe_charts.constructs.part import RequiredSecret, SecretKey
from floe_charts.errors import DeclarationError

__all__ = ["PASSWORD_KEY", "USERNAME_KEY", "DatabaseConsumer", "check_consumers"]

USERNAME_KEY = "username"
PASSWORD_KEY = "password"

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,30}[a-z0-9])?\Z")
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,62}\Z")
# CloudNativePG refuses these roles and databases; PostgreSQL reserves the prefix pg_.
_RESERVED = frozenset({"app", "postgres", "public", "streaming_replica", "template0", "template1"})


@dataclass(frozen=True)
class DatabaseConsumer:
    """A part of the platform that keeps its data in PostgreSQL.

    ``name`` names the consumer's objects. ``secret`` is the name, literal or an expression, of a Secret with the keys
    ``username`` (the same as ``role``) and ``password``; ``default_secret`` is its literal default; ``extra_keys`` are
    what the consumer's own chart wants in the same Secret. ``enabled`` is an expression where values can switch the
    consumer off.

    Raises :class:`DeclarationError` for names that PostgreSQL or Kubernetes would refuse.
    """

    name: str
    database: str
    role: str
    secret: str
    default_secret: str
    extra_keys: tuple[SecretKey, ...] = ()
    enabled: bool | None = None

    def __post_init__(self) -> None:
        """Check the names, which stand in SQL, in a shell script and in object names."""
        if not _NAME.match(self.name):
            raise DeclarationError(
                f"{self.name!r} cannot name a database consumer: small letters, digits and dashes, at most 32"
            )
        for what, text in (("database", self.database), ("role", self.role)):
            if not _IDENTIFIER.match(text) or text in _RESERVED or text.startswith(("cnpg_", "pg_")):
                raise DeclarationError(
                    f"{self.name}: {text!r} cannot name a {what} of PostgreSQL: small letters, digits and underscores, "
                    "and not a name that PostgreSQL or CloudNativePG keeps for itself"
                )

    @property
    def env_prefix(self) -> str:
        """What the names of the consumer's environment variables in the server's pod begin with."""
        return f"CONSUMER_{self.name.upper().replace('-', '_')}"

    @property
    def required_secret(self) -> RequiredSecret:
        """The Secret that consumer and server read."""
        keys = [SecretKey(USERNAME_KEY, text=self.role), SecretKey(PASSWORD_KEY, random=32), *self.extra_keys]
        again = [f", {key.name} is the {PASSWORD_KEY} again" for key in self.extra_keys if key.same_as == PASSWORD_KEY]
        purpose = f"database {self.database} in PostgreSQL: {USERNAME_KEY} is {self.role}{''.join(again)}"
        condition = f"{self.name}.enabled is true" if self.enabled is not None else ""
        first, *more = self.name.split("-")
        return RequiredSecret(
            f"{first}{''.join(word.capitalize() for word in more)}Database",
            self.default_secret,
            tuple(keys),
            purpose,
            self.secret,
            self.enabled,
            condition,
            # What CloudNativePG asks for, and what lets it take a new password at once.
            type="kubernetes.io/basic-auth",
            labels={"cnpg.io/reload": "true"},
        )


def check_consumers(consumers: Iterable[DatabaseConsumer]) -> tuple[DatabaseConsumer, ...]:
    """The consumers, where no two share a name, a database or a role; else :class:`DeclarationError`."""
    made = tuple(consumers)
    for what in ("name", "database", "role"):
        seen: dict[str, DatabaseConsumer] = {}
        for consumer in made:
            text = getattr(consumer, what)
            if text in seen:
                both = f"{seen[text].name} and {consumer.name}"
                raise DeclarationError(f"the database consumers {both} share the {what} {text}")
            seen[text] = consumer
    return made
