"""What is taken down of a crash is what it leaves; two are one only if they leave the same."""

from __future__ import annotations

import shutil
import signal
import sqlite3
from contextlib import closing
from dataclasses import replace

import psycopg
import pytest

from tests.crash import flows
from tests.crash.campaign import done
from tests.crash.committed import Committed, committed_in, put_back
from tests.crash.messages import asked
from tests.crash.recording import MESSAGES
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


@pytest.fixture(scope="module")
def start_in_postgres(tmp_path_factory, postgres_server):
    directory = tmp_path_factory.mktemp("remains-in-postgres") / "start"
    directory.mkdir()
    start = flows.Site(directory, database_url=postgres_server.fresh())
    done(run(flows.prepare, "deposit", start))
    return start


# While the deposit is booked, while five swaps go on side by side, and when they have settled.
@pytest.mark.parametrize("commits", [7, 30, 60])
def test_what_is_taken_down_of_postgres_is_what_a_kill_leaves(
    commits, start_in_postgres, postgres_server, tmp_path
):
    """Killed at the first call after so many COMMITs were sent: the last may be under way."""
    site = replace(
        start_in_postgres,
        directory=shutil.copytree(start_in_postgres.directory, tmp_path / "data"),
        database_url=postgres_server.copy(start_in_postgres.database_url),
    )
    sent, taken = [], []

    def witness(stop, number):
        if len(sent) == commits:
            if not taken:
                taken.append(ledger.content())
                child.send(signal.SIGKILL)
        elif number and asked(stop) == "COMMIT":
            sent.append(number)

    with (
        Child(flows.carry_out, "deposit", site, watched=True) as child,
        closing(Committed(site.database_url)) as ledger,
    ):
        ended = child.strike(replace(MESSAGES, at=0), witness=witness)
    again = postgres_server.fresh()
    put_back(*taken, again)

    assert ended.trouble == KILLED
    assert taken == [committed_in(site.database_url)] == [committed_in(again)]


def test_what_was_sent_and_is_not_done_yet_when_ballast_is_killed_is_taken_down(postgres_url):
    taken = []

    def witness(stop, number):
        if number and asked(stop) == "SELECT now()":
            taken.append(ledger.content())

    with (
        Child(send_slowly_then_ask, postgres_url, watched=True) as child,
        closing(Committed(postgres_url)) as ledger,
    ):
        child.strike(MESSAGES, witness=witness)

    assert [b"sent before" in content for content in taken] == [True]


def send_slowly_then_ask(url):
    """Something that takes the server a while, on one connection; a question on another."""
    with (
        closing(psycopg.connect(url, autocommit=True)) as slow,
        closing(psycopg.connect(url, autocommit=True)) as quick,
    ):
        slow.pgconn.send_query(
            b"INSERT INTO meta"
            b" SELECT 'sent before', max(n)::text FROM generate_series(1, 1000000) AS n"
        )
        quick.execute("SELECT now()")
