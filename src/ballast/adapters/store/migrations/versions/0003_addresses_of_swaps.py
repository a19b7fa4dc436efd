"""Addresses of swaps: found quickly, so that none is used twice"""

from alembic import op

from ballast.adapters.store.columns import only_where

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_swaps_address",
        "swaps",
        ["deposit_address"],
        unique=False,
        **only_where("deposit_address IS NOT NULL"),
    )


def downgrade() -> None:
    # A database is never taken back: what a newer version wrote, an older one must not guess at.
    raise NotImplementedError
