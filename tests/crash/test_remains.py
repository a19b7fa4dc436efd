"""What is taken down of a crash is what it leaves; two are one only if they leave the same."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import pytest

from tests.crash import flows
from tests.crash.campaign import done
from tests.crash.remains import Eyes, Remains, files_of
from tests.crash.supervisor import EVERYTHING, KILLED, Blow, Child, Strike, run


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    directory = tmp_path_factory.mktemp("remains") / "start"
    directory.mkdir()
    done(run(flows.prepare, "first start", flows.Site(directory)))
    return directory


# In the journal before there is a log, in the log while tables are made, at the master key, and in
# the log when an index is kept. One thread writes here, and nobody else at the same time.
@pytest.mark.parametrize("at", [3, 200, 525, 540])
@pytest.mark.parametrize("blow", [Blow.KILL, Blow.TEAR, Blow.POWER])
def test_what_is_taken_down_at_a_call_is_what_the_crash_there_leaves(blow, at, start, tmp_path):
    directory = shutil.copytree(start, tmp_path / "data")
    remains, taken = Remains(directory), []

    def witness(stop, number):
        remains.look(stop)
        if number == at:
            taken.append(remains.after(blow, stop) or remains.after(Blow.KILL, stop))

    with Child(flows.carry_out, "first start", flows.Site(directory), watched=True) as child:
        ended = child.strike(Strike(at, blow, targets=EVERYTHING), witness=witness)

    assert ended.trouble == KILLED
    assert taken == [files_of(directory)]


def test_two_crashes_are_one_when_ballast_would_read_the_same_and_only_then(tmp_path):
    place = tmp_path / "place"
    place.mkdir()

    def seen():
        return Eyes().digest(files_of(place))

    with closing(sqlite3.connect(place / "a.sqlite", isolation_level=None)) as database:
        database.executescript("PRAGMA journal_mode = WAL; CREATE TABLE t (x)")
        database.execute("INSERT INTO t VALUES ('one')")
        one, log = seen(), (place / "a.sqlite-wal").read_bytes()
        database.execute("INSERT INTO t VALUES ('two')")
        two, whole = seen(), (place / "a.sqlite-wal").read_bytes()
        (place / "a.sqlite-wal").write_bytes(whole[:-1])
        broken_off = seen()
        (place / "a.sqlite-wal").write_bytes(whole)
    (place / "master.key").write_text("key")

    assert whole.startswith(log)
    assert (broken_off == one, two == one, seen() == two) == (True, False, False)
