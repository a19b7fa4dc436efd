"""Words for one channel: beside those of an owner for all channels, which stay as they are"""

import sqlalchemy as sa
from alembic import op

from ballast.adapters.store.columns import MOMENT

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The key becomes longer, for which SQLite wants the table made anew.
    op.execute("CREATE TEMPORARY TABLE words_kept AS SELECT * FROM notice_templates")
    op.drop_table("notice_templates")
    op.create_table(
        "notice_templates",
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint(
            "owner_id", "channel_id", "subject", name=op.f("pk_notice_templates")
        ),
        sqlite_strict=True,
    )
    op.execute(
        "INSERT INTO notice_templates (owner_id, channel_id, subject, title, text, updated_at)"
        " SELECT owner_id, '', subject, title, text, updated_at FROM words_kept"
    )
    op.drop_table("words_kept")


def downgrade() -> None:
    # A database is never taken back: what a newer version wrote, an older one must not guess at.
    raise NotImplementedError
