"""Migrations follow one another: two with the same number would stop every start."""

from __future__ import annotations

import re

from ballast.adapters.store.migrate import REVISIONS, SCRIPTS


def test_each_migration_has_a_number_of_its_own_and_follows_the_one_before():
    files = sorted((SCRIPTS / "versions").glob("*.py"))
    texts = [file.read_text(encoding="utf-8") for file in files]
    own = [re.search(r'^revision = "(\d+)"', text, re.MULTILINE) for text in texts]
    before = [re.search(r'^down_revision = "?(\w+)"?', text, re.MULTILINE) for text in texts]

    assert [file.name[:4] for file in files] == list(REVISIONS)
    assert [found and found[1] for found in own] == list(REVISIONS)
    assert [found and found[1] for found in before] == ["None", *REVISIONS[:-1]]
