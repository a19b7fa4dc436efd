"""What is counted for whoever watches the machine, found without reading everything"""

from alembic import op

from ballast.adapters.store.columns import only_where

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

OUT = "account IN ('in_flight', 'unexplained') AND units <> '0'"


def upgrade() -> None:
    op.create_index("ix_intents_state", "intents", ["state", "created_at"], unique=False)
    op.create_index(
        "ix_balances_out",
        "balances",
        ["account", "asset_id", "units"],
        unique=False,
        **only_where(OUT),
    )


def downgrade() -> None:
    # A database is never taken back: what a newer version wrote, an older one must not guess at.
    raise NotImplementedError
