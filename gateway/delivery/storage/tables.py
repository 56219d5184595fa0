"""The tables of the delivery history, for SQLite and PostgreSQL alike; ``migrations`` makes them.

Times are Unix seconds. Payloads are JSON of the structures that they hold; columns beside them are what is looked up.
"""

from sqlalchemy import (
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

METADATA = MetaData()

DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("sender", String, nullable=False),
    # Unique for each sender; absent where nothing could be believed or read.
    Column("delivery_id", String),
    Column("event", String),
    Column("received_at", Float, nullable=False),
    Column("outcome", String, nullable=False),
    Column("why", String),
    Column("size", Integer, nullable=False),
    Column("facts", Integer),
    Column("matched", Integer),
    Column("repeats", Integer, nullable=False),
    # What is needed to process it again; dropped when it is old.
    Column("headers", String),
    Column("body", LargeBinary),
    UniqueConstraint("sender", "delivery_id", name="deliveries_identity"),
    Index("deliveries_outcome", "outcome", "id"),
    Index("deliveries_received_at", "received_at"),
    sqlite_autoincrement=True,
)

FACTS = Table(
    "facts",
    METADATA,
    Column("identity", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("at", Float, nullable=False),
    Column("told_at", Float, nullable=False),
    Column("repository", String),
    Column("payload", LargeBinary, nullable=False),
    Index("facts_repository", "repository", "kind", "at"),
    Index("facts_told_at", "told_at"),
)

FACT_KEYS = Table(
    "fact_keys",
    METADATA,
    Column("key", String, nullable=False),
    Column("identity", String, nullable=False),
    PrimaryKeyConstraint("key", "identity"),
    Index("fact_keys_identity", "identity"),
    sqlite_with_rowid=False,
)

BUILDERS = Table(
    "builders",
    METADATA,
    # The repositories that some version of an image was built from, each by one fact that says so.
    Column("image", String, nullable=False),
    Column("repository", String, nullable=False),
    Column("identity", String, nullable=False),
    PrimaryKeyConstraint("image", "repository"),
    sqlite_with_rowid=False,
)

DEPLOYMENTS = Table(
    "deployments",
    METADATA,
    Column("id", String, primary_key=True),
    Column("key", String, nullable=False),
    Column("uid", String, nullable=False),
    Column("project", String),
    Column("service", String),
    Column("environment", String),
    Column("team", String),
    Column("started_at", Float, nullable=False),
    Column("finished_at", Float),
    Column("kind", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Index("deployments_key", "key", "started_at"),
    Index("deployments_started_at", "started_at"),
)

DEPLOYMENT_KEYS = Table(
    "deployment_keys",
    METADATA,
    # What a fact must name to change what belongs to a deployment.
    Column("key", String, nullable=False),
    Column("deployment_id", String, nullable=False),
    PrimaryKeyConstraint("key", "deployment_id"),
    Index("deployment_keys_deployment_id", "deployment_id"),
    sqlite_with_rowid=False,
)

MEMORIES = Table(
    "memories",
    METADATA,
    Column("key", String, primary_key=True),
    Column("updated_at", Float, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

MEASURES = Table(
    "measures",
    METADATA,
    # JSON text in columns of its own: the database puts a year of it together faster than rows can be read.
    Column("id", String, primary_key=True),
    Column("at", Float, nullable=False),
    Column("payload", String, nullable=False),
    Index("measures_at", "at"),
)

EFFECTS = Table(
    "effects",
    METADATA,
    # What a Prometheus said of a service before and after a deployment.
    Column("deployment_id", String, primary_key=True),
    Column("asked_at", Float, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Index("effects_asked_at", "asked_at"),
)

BUILDS = Table(
    "builds",
    METADATA,
    Column("id", String, primary_key=True),
    Column("at", Float, nullable=False),
    Column("payload", String, nullable=False),
    # Where what a run built was deployed to.
    Column("applications", String, nullable=False, server_default="[]"),
    Index("builds_at", "at"),
)
