"""An index that somebody forged, with every checksum in it right: what it can and cannot do."""

import forging
import pytest
from support import write_notes

from ragqa.cli import run


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Options for two notes and an index of them."""
    monkeypatch.setenv("RAGQA_EMBEDDER", "hashed:64")
    zebra, secret = (
        "# Zebra\n\nThe zebra has 16 stripes.\n",
        "# Secret\n\nThe zebra has a secret.\n",
    )
    notes = write_notes(tmp_path / "notes", {"zebra.md": zebra})
    write_notes(tmp_path, {"secret.md": secret})
    options = ["--corpus", str(notes), "--index", str(tmp_path / "index")]
    assert run(["index", *options]) == 0
    return options


@pytest.fixture
def forge(tmp_path):
    """Change the database of the index, and make it vouch for that."""
    return lambda statements: forging.forge(tmp_path / "index", statements)


def test_an_index_put_together_with_care_is_read(places, forge, capsys):
    forge("")
    assert run(["search", "zebra", *places]) == 0
    assert "16 stripes" in capsys.readouterr().out


def test_what_a_forged_index_has_a_note_say_is_not_quoted(places, forge, capsys):
    forge("UPDATE passages SET data = replace(data, '16 stripes', '99 stripes')")
    capsys.readouterr()
    run(["search", "how many stripes has the zebra?", *places])
    told = capsys.readouterr()
    assert "99" not in told.out
    assert "passages of zebra.md are left out" in told.err


@pytest.mark.parametrize("path", ["../secret.md", "/etc/passwd", "link.md", "link/secret.md"])
def test_a_forged_index_has_nothing_read_outside_of_the_notes(
    places, forge, tmp_path, path, capsys
):
    (tmp_path / "notes" / "link").symlink_to(tmp_path)
    (tmp_path / "notes" / "link.md").symlink_to(tmp_path / "secret.md")
    forge(f"""
        UPDATE notes SET path = CAST('{path}' AS BLOB),
            data = json_set(CAST(data AS TEXT), '$.path', '{path}');
        UPDATE passages SET data = json_set(CAST(data AS TEXT), '$.path', '{path}',
            '$.text', 'The zebra has a secret.', '$.start', 10, '$.end', 33);
    """)  # noqa: S608 - the attack itself
    capsys.readouterr()
    run(["search", "zebra", "--no-refresh", *places])
    told = capsys.readouterr()
    assert told.out == "No passage matches.\n"
    assert f"{path} is left out" in told.err


def test_a_forged_database_runs_no_function(places, forge, capsys):
    forge("""
        ALTER TABLE passages RENAME TO real;
        CREATE VIEW passages AS SELECT * FROM real WHERE load_extension('x') IS NULL;
    """)
    assert run(["search", "zebra", "--no-refresh", *places]) == 4
    assert "not those of this ragqa" in " ".join(capsys.readouterr().err.split())


def test_what_a_forged_index_says_of_a_note_steers_no_terminal(places, forge, capsys):
    heading = '["\\u001b[31mred", "[link=https://evil.example]x"]'
    forge(
        f"UPDATE passages SET data = json_set(CAST(data AS TEXT), '$.heading', json('{heading}'))"  # noqa: S608 - the attack itself
    )
    assert run(["search", "zebra", *places]) == 0
    out = capsys.readouterr().out
    assert "\\x1b[31mred" in out
    assert "\x1b" not in out
