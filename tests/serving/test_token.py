"""The token that programs send to the servers."""

import logging

from ragqa.serving.token import kept_token


def test_the_token_is_the_same_at_every_start_until_a_new_one_is_wanted(tmp_path):
    path = tmp_path / "data" / "serve-token"
    token = kept_token(path=path)
    assert kept_token(path=path) == token
    other = kept_token(new=True, path=path)
    assert other != token
    assert kept_token(path=path) == other


def test_only_the_user_can_read_the_token(tmp_path):
    path = tmp_path / "serve-token"
    kept_token(path=path)
    assert path.stat().st_mode & 0o777 == 0o600


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
