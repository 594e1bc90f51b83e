"""Consent: remembered for one host and port, for the user alone, and never by guess."""

import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.errors import UsageError
from ragqa.state.consent import Use, allow, consent_file, consents, is_allowed

HOST, LINE = "api.example.org", "api.example.org as LLM"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def write(content):
    consent_file().parent.mkdir(parents=True, exist_ok=True)
    consent_file().write_bytes(content)
    consent_file().chmod(0o600)


def test_what_is_allowed_is_a_line_until_the_line_is_deleted():
    assert consents() == ()
    assert allow("API.Example.org:443") == LINE
    allow("other.example.org:8443", Use.STORE)
    assert consents() == (LINE, "other.example.org:8443 as store")
    assert is_allowed("api.example.ORG:443")
    consent_file().write_text(consent_file().read_text().replace(f"{LINE}\n", ""))
    assert not is_allowed(HOST)
    assert is_allowed("other.example.org:8443", Use.STORE)


@pytest.mark.parametrize("other", [f"{HOST}:8443", "example.org", f"x.{HOST}", f"{HOST}.evil.com"])
def test_another_port_host_or_use_is_another_consent(other):
    allow(HOST)
    assert not is_allowed(other)
    assert not is_allowed(HOST, Use.STORE)


@pytest.mark.parametrize(
    "host", ["", "https://api.example.org/v1", "a\nb", "user@host", "*", "a b", "\x1b[2J"]
)
def test_what_is_no_host_cannot_be_allowed(host):
    for name in (allow, is_allowed):
        with pytest.raises(UsageError, match="not the name of a host"):
            name(host)
    assert not consent_file().exists()


@given(content=st.binary(max_size=200))
def test_other_content_of_the_file_allows_nothing(content):
    write(content)
    assert not any(is_allowed(HOST, use) for use in Use)


@pytest.mark.parametrize("mode", [0o644, 0o602, 0o620])
def test_a_file_that_others_may_use_is_refused_and_the_command_mends_it(mode):
    allow(HOST)
    consent_file().chmod(mode)
    for read in (consents, lambda: is_allowed(HOST), lambda: allow("new.example.org")):
        with pytest.raises(UsageError, match="other users may use the list") as caught:
            read()
        assert caught.value.hint == f"chmod 600 {consent_file()}"
    consent_file().chmod(0o600)
    assert consents() == (LINE,)


@pytest.mark.parametrize("mode", [0o400, 0o700])
def test_a_file_that_nobody_else_may_use_is_consent_and_is_written_as_ever(mode):
    allow(HOST)
    consent_file().chmod(mode)
    allow("other.example.org")
    assert is_allowed(HOST)
    assert stat.S_IMODE(consent_file().stat().st_mode) == 0o600


def link_to(path):
    target = path.with_name("planted")
    target.write_text(f"{LINE}\n")
    target.chmod(0o600)
    path.symlink_to(target)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, link_to])
def test_what_is_no_file_is_no_consent_and_is_not_written(make):
    consent_file().parent.mkdir(parents=True)
    make(consent_file())
    before = consent_file().lstat().st_mode
    for read in (consents, lambda: allow(HOST)):
        with pytest.raises(UsageError, match=r"not a file of yours|cannot be read"):
            read()
    assert consent_file().lstat().st_mode == before


def test_a_file_of_another_user_is_no_consent(monkeypatch):
    allow(HOST)
    monkeypatch.setattr(os, "getuid", lambda: consent_file().stat().st_uid + 1)
    with pytest.raises(UsageError, match="not a file of yours"):
        consents()
