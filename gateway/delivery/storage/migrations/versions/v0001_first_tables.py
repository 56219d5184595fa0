"""The first tables: deliveries, facts, deployments, measures."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("delivery_id", sa.String()),
        sa.Column("event", sa.String()),
        sa.Column("received_at", sa.Float(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("why", sa.String()),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("facts", sa.Integer()),
        sa.Column("matched", sa.Integer()),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("headers", sa.String()),
        sa.Column("body", sa.LargeBinary()),
        sa.UniqueConstraint("sender", "delivery_id", name="deliveries_identity"),
        sqlite_autoincrement=True,
    )
    op.create_index("deliveries_outcome", "deliveries", ["outcome", "id"])
    op.create_index("deliveries_received_at", "deliveries", ["received_at"])
    op.create_table(
        "facts",
        sa.Column("identity", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("told_at", sa.Float(), nullable=False),
        sa.Column("repository", sa.String()),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
    )
    op.create_index("facts_repository", "facts", ["repository", "kind", "at"])
    op.create_index("facts_told_at", "facts", ["told_at"])
    op.create_table(
        "fact_keys",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("identity", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", "identity"),
        sqlite_with_rowid=False,
    )
    op.create_index("fact_keys_identity", "fact_keys", ["identity"])
    op.create_table(
        "builders",
        sa.Column("image", sa.String(), nullable=False),
        sa.Column("repository", sa.String(), nullable=False),
        sa.Column("identity", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("image", "repository"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "deployments",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("uid", sa.String(), nullable=False),
        sa.Column("project", sa.String()),
        sa.Column("service", sa.String()),
        sa.Column("environment", sa.String()),
        sa.Column("team", sa.String()),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("finished_at", sa.Float()),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
    )
    op.create_index("deployments_key", "deployments", ["key", "started_at"])
    op.create_index("deployments_started_at", "deployments", ["started_at"])
    op.create_table(
        "deployment_keys",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("deployment_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", "deployment_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("deployment_keys_deployment_id", "deployment_keys", ["deployment_id"])
    op.create_table(
        "memories",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "measures",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("payload", sa.String(), nullable=False),
    )
    op.create_index("measures_at", "measures", ["at"])
    op.create_table(
        "builds",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("payload", sa.String(), nullable=False),
        sa.Column("applications", sa.String(), nullable=False, server_default="[]"),
    )
    op.create_index("builds_at", "builds", ["at"])
