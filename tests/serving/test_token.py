"""The token that programs send to the servers."""

import logging
from dataclasses import replace

from served import NOTES, serving
from support import QUICK, write_notes

from ragqa.serving.guard import current, kept_token


def test_the_token_is_the_same_at_every_start_until_a_new_one_is_wanted(tmp_path):
    path = tmp_path / "data" / "serve-token"
    token = kept_token(path=path)
    assert kept_token(path=path) == token
    other = kept_token(new=True, path=path)
    assert other != token
    assert kept_token(path=path) == other


def test_a_token_that_others_could_read_is_replaced(tmp_path):
    path = tmp_path / "serve-token"
    token = kept_token(path=path)
    path.chmod(0o644)
    assert kept_token(path=path) != token
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_or_nonsense_in_its_place_is_replaced(tmp_path):
    path, elsewhere = tmp_path / "serve-token", tmp_path / "elsewhere"
    token = kept_token(path=elsewhere)
    path.symlink_to(elsewhere)
    assert kept_token(path=path) != token
    assert not path.is_symlink()
    path.write_text("short")
    path.chmod(0o600)
    assert len(kept_token(path=path)) == len(token)


def test_a_token_that_cannot_be_kept_works_and_is_warned_of(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.WARNING, logger="ragqa"):
        first = kept_token(path=tmp_path / "file" / "serve-token")
    assert first
    assert "until the server ends" in caplog.text


def test_a_new_token_ends_the_one_before_where_it_is_read_again(tmp_path):
    path = tmp_path / "serve-token"
    now = current(kept_token(path=path), path)
    other = kept_token(new=True, path=path)
    assert now() == other
    path.unlink()
    assert now() == ""


def test_a_new_token_counts_at_once_in_a_running_server(tmp_path):
    write_notes(tmp_path / "notes", NOTES)
    env = QUICK | {"XDG_DATA_HOME": str(tmp_path / "data")}
    args = ("serve", "--no-open", "--port", "0")
    with serving(tmp_path, *args, env=env) as server:
        assert server.ask("/").status == 200
        with serving(tmp_path, *args, "--new-token", env=env) as other:
            assert other.token != server.token
        assert server.ask("/").status == 401
        assert replace(server, token=other.token).ask("/").status == 200
