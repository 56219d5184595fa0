"""The tables of the delivery history, for SQLite and PostgreSQL alike; ``migrations`` makes them.

Times are Unix seconds. Payloads are JSON of the structures that they hold; columns beside them are what is looked up.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
)

METADATA = MetaData()


class Text(TypeDecorator[str]):
    """Text in the order of its bytes, as Python and SQLite have it, whatever a server's language is.

    PostgreSQL takes no NUL, which senders may well write: it becomes U+FFFD, as what isn't text does elsewhere.
    """

    impl = String().with_variant(String(collation="C"), "postgresql")
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        """Return what is kept of a text."""
        return value.replace("\0", "\ufffd") if value is not None and "\0" in value else value


Number = BigInteger().with_variant(Integer(), "sqlite")
"""A number that counts for ever; SQLite's integers have 64 bits anyhow."""

DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("sender", Text, nullable=False),
    # Unique for each sender; absent where nothing could be believed or read.
    Column("delivery_id", Text),
    Column("event", Text),
    Column("received_at", Float, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("why", Text),
    Column("size", Integer, nullable=False),
    Column("facts", Integer),
    Column("matched", Integer),
    Column("repeats", Integer, nullable=False),
    # What is needed to process it again; dropped when it is old.
    Column("headers", Text),
    Column("body", LargeBinary),
    UniqueConstraint("sender", "delivery_id", name="deliveries_identity"),
    Index("deliveries_outcome", "outcome", "id"),
    Index("deliveries_received_at", "received_at"),
    sqlite_autoincrement=True,
)

FACTS = Table(
    "facts",
    METADATA,
    Column("identity", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("told_at", Float, nullable=False),
    Column("repository", Text),
    Column("payload", LargeBinary, nullable=False),
    Index("facts_repository", "repository", "kind", "at"),
    Index("facts_told_at", "told_at"),
)

FACT_KEYS = Table(
    "fact_keys",
    METADATA,
    Column("key", Text, nullable=False),
    Column("identity", Text, nullable=False),
    PrimaryKeyConstraint("key", "identity"),
    Index("fact_keys_identity", "identity"),
    sqlite_with_rowid=False,
)

BUILDERS = Table(
    "builders",
    METADATA,
    # The repositories that some version of an image was built from, each by one fact that says so.
    Column("image", Text, nullable=False),
    Column("repository", Text, nullable=False),
    Column("identity", Text, nullable=False),
    PrimaryKeyConstraint("image", "repository"),
    sqlite_with_rowid=False,
)

DEPLOYMENTS = Table(
    "deployments",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("key", Text, nullable=False),
    Column("uid", Text, nullable=False),
    Column("project", Text),
    Column("service", Text),
    Column("environment", Text),
    Column("team", Text),
    Column("started_at", Float, nullable=False),
    Column("finished_at", Float),
    Column("kind", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Index("deployments_key", "key", "started_at"),
    Index("deployments_started_at", "started_at"),
)

DEPLOYMENT_KEYS = Table(
    "deployment_keys",
    METADATA,
    # What a fact must name to change what belongs to a deployment.
    Column("key", Text, nullable=False),
    Column("deployment_id", Text, nullable=False),
    PrimaryKeyConstraint("key", "deployment_id"),
    Index("deployment_keys_deployment_id", "deployment_id"),
    sqlite_with_rowid=False,
)

MEMORIES = Table(
    "memories",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("updated_at", Float, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

MEASURES = Table(
    "measures",
    METADATA,
    # JSON text in columns of its own: the database puts a year of it together faster than rows can be read.
    Column("id", Text, primary_key=True),
    Column("at", Float, nullable=False),
    Column("payload", Text, nullable=False),
    Index("measures_at", "at"),
)

EFFECTS = Table(
    "effects",
    METADATA,
    # What a Prometheus said of a service before and after a deployment.
    Column("deployment_id", Text, primary_key=True),
    Column("asked_at", Float, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Index("effects_asked_at", "asked_at"),
)

BUILDS = Table(
    "builds",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("at", Float, nullable=False),
    Column("payload", Text, nullable=False),
    # Where what a run built was deployed to.
    Column("applications", Text, nullable=False, server_default="[]"),
    Index("builds_at", "at"),
)

TOUCHED = Table(
    "touched",
    METADATA,
    # Deployments of which more was told since they were measured: whoever leads next goes on with them.
    Column("deployment_id", Text, primary_key=True),
)

LEADERSHIP = Table(
    "leadership",
    METADATA,
    # One row: who works the history off, and how often that has changed.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("term", Number, nullable=False),
    Column("since", Float, nullable=False),
)

COMPATIBILITY = Table(
    "compatibility",
    METADATA,
    # One row: the oldest shape whose programs can work with this one.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("works_from", Text, nullable=False),
)
