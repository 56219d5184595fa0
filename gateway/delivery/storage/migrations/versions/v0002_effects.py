"""What a Prometheus said of services before and after deployments."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "effects",
        sa.Column("deployment_id", sa.String(), primary_key=True),
        sa.Column("asked_at", sa.Float(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
    )
    op.create_index("effects_asked_at", "effects", ["asked_at"])
