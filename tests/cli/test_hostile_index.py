"""An index that somebody forged, with every checksum in it right: what it can and cannot do."""

import forging
import pytest
from support import write_notes

NOTES = {"zebra.md": "# Zebra\n\nThe zebra has 16 stripes.\n"}


@pytest.fixture
def forge(quick, places):
    """Build the index, change its database, and make it vouch for that."""
    assert quick("index", *places).code == 0
    return lambda statements: forging.forge(places[3], statements)


def test_an_index_put_together_with_care_is_read(quick, places, forge):
    forge("")
    assert "16 stripes" in quick("search", "zebra", *places).out


def test_what_a_forged_index_has_a_note_say_is_not_quoted(quick, places, forge):
    forge("UPDATE passages SET data = replace(data, '16 stripes', '99 stripes')")
    told = quick("search", "how many stripes has the zebra?", *places)
    assert "99" not in told.out
    assert "passages of zebra.md are left out" in told.err


@pytest.mark.parametrize("path", ["../secret.md", "/etc/passwd", "link.md", "link/secret.md"])
def test_a_forged_index_has_nothing_read_outside_of_the_notes(quick, places, forge, tmp_path, path):
    write_notes(tmp_path, {"secret.md": "# Secret\n\nThe zebra has a secret.\n"})
    (tmp_path / "notes" / "link").symlink_to(tmp_path)
    (tmp_path / "notes" / "link.md").symlink_to(tmp_path / "secret.md")
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
