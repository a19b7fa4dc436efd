"""What a unit of each index is worth, hour by hour"""

import sqlalchemy as sa
from alembic import op

from ballast.adapters.store.columns import MOMENT, UNITS, CanonicalUnits

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unit_values",
        sa.Column("index_id", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("value_pico", UNITS, nullable=False),
        sa.Column("unit_pico", UNITS, nullable=False),
        sa.Column("paid_pico", UNITS, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        *(
            sa.CheckConstraint(
                CanonicalUnits(name, signed=False, zero=True),
                name=op.f(f"ck_unit_values_{name}_canonical"),
            )
            for name in ("value_pico", "unit_pico")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id", "index_id"],
            ["indexes.owner_id", "indexes.index_id"],
            name=op.f("fk_unit_values_owner_id"),
        ),
        sa.PrimaryKeyConstraint("index_id", "at", name=op.f("pk_unit_values")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    schedules = sa.table("schedules", sa.column("name"), sa.column("due_at"))
    op.bulk_insert(schedules, [{"name": "valuation", "due_at": 0}])


def downgrade() -> None:
    # A database is never taken back: what a newer version wrote, an older one must not guess at.
    raise NotImplementedError
