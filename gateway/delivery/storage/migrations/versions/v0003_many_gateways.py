"""Several gateways on one database: who leads, which versions can work with it; on PostgreSQL, text by its bytes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
works_from = "0001"

_TEXTS = {
    "deliveries": ("sender", "delivery_id", "event", "outcome", "why", "headers"),
    "facts": ("identity", "kind", "repository"),
    "fact_keys": ("key", "identity"),
    "builders": ("image", "repository", "identity"),
    "deployments": ("id", "key", "uid", "project", "service", "environment", "team", "kind", "outcome"),
    "deployment_keys": ("key", "deployment_id"),
    "memories": ("key",),
    "measures": ("id", "payload"),
    "effects": ("deployment_id",),
    "builds": ("id", "payload", "applications"),
}


def upgrade() -> None:
    """Make the tables."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    leadership = op.create_table(
        "leadership",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("term", number, nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
    )
    op.bulk_insert(leadership, [{"id": 1, "term": 0, "since": 0.0}])
    text = sa.String().with_variant(sa.String(collation="C"), "postgresql")
    op.create_table("touched", sa.Column("deployment_id", text, primary_key=True))
    op.create_table(
        "compatibility",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("works_from", text, nullable=False),
    )
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, columns in _TEXTS.items():
        changes = ", ".join(f'ALTER COLUMN {column} TYPE varchar COLLATE "C"' for column in columns)
        op.execute(f"ALTER TABLE {table} {changes}")
    op.execute("ALTER TABLE deliveries ALTER COLUMN id TYPE bigint")
    op.execute("ALTER SEQUENCE deliveries_id_seq AS bigint")
