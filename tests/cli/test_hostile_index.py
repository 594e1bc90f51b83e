"""An index that somebody forged, with every checksum in it right: what it can and cannot do."""

import sqlite3
from contextlib import closing
from functools import partial

import forging
import pytest
from support import write_notes

NOTES = {"zebra.md": "# Zebra\n\nThe zebra has 16 stripes.\n"}


@pytest.fixture
def forge(quick, places):
    """Build the index, change its database, and make it vouch for that."""
    assert quick("index", *places).code == 0
    return lambda statements: forging.forge(places[3], statements)


def test_what_a_forged_index_has_a_note_say_is_not_quoted(quick, places, forge):
    forge("UPDATE passages SET data = replace(data, '16 stripes', '99 stripes')")
    told = quick("search", "how many stripes has the zebra?", *places)
    assert "99" not in told.out
    assert "passages of zebra.md are left out" in told.err


@pytest.mark.parametrize("path", ["../secret.md", "/etc/passwd", "link/secret.md"])
def test_a_forged_index_has_nothing_read_outside_of_the_notes(quick, places, forge, tmp_path, path):
    write_notes(tmp_path, {"secret.md": "# Secret\n\nThe zebra has a secret.\n"})
    (tmp_path / "notes" / "link").symlink_to(tmp_path)
    forge(f"""
        UPDATE notes SET path = CAST('{path}' AS BLOB),
            data = json_set(CAST(data AS TEXT), '$.path', '{path}');
        UPDATE passages SET data = json_set(CAST(data AS TEXT), '$.path', '{path}',
            '$.text', 'The zebra has a secret.', '$.start', 10, '$.end', 33);
    """)  # noqa: S608 - the attack itself
    told = quick("search", "zebra", "--no-refresh", *places)
    assert told.out == "No passage matches.\n"
    assert f"{path} is left out" in told.err


def test_a_forged_database_runs_no_function(quick, places, forge):
    forge("""
        ALTER TABLE passages RENAME TO real;
        CREATE VIEW passages AS SELECT * FROM real WHERE load_extension('x') IS NULL;
    """)
    run = quick("search", "zebra", "--no-refresh", *places)
    assert run.code == 4
    assert "not those of this ragqa" in run.err


def test_what_a_forged_index_says_of_a_note_steers_no_terminal(quick, places, forge):
    heading = '["\\u001b[31mred", "[link=https://evil.example]x"]'
    forge(
        f"UPDATE passages SET data = json_set(CAST(data AS TEXT), '$.heading', json('{heading}'))"  # noqa: S608 - the attack itself
    )
    out = quick("search", "zebra", *places).out
    assert "\\x1b[31mred" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(("lock", "reads"), [("EXCLUSIVE", False), ("IMMEDIATE", True)])
def test_an_index_that_another_program_has_locked_is_in_use_and_not_damaged(
    quick, places, forge, tmp_path, monkeypatch, lock, reads
):
    forge("")
    with closing(sqlite3.connect(places[3] / "index.sqlite", isolation_level=None)) as other:
        if not reads:
            other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute(f"BEGIN {lock}")
        other.execute("UPDATE manifest SET data = data")
        monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, timeout=0))
        write_notes(tmp_path / "notes", {"okapi.md": "# Okapi\n\nThe okapi has 12 stripes.\n"})
        told = quick("index", *places)
        assert told.code == 6
        assert "in use by another program" in told.err
        assert "--rebuild" not in told.err
        searched = quick("search", "zebra", *places)
        assert searched.code == (0 if reads else 6)
        assert "in use by another program" in searched.err
    assert "12 stripes" in quick("search", "okapi", *places).out
