"""Consent: remembered for one host and port, for the user alone, and never by guess."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.errors import UsageError
from ragqa.state.consent import Use, allow, consent_file, consents, forget, is_allowed


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def damage(content):
    consent_file().parent.mkdir(parents=True, exist_ok=True)
    consent_file().write_bytes(content)
    consent_file().chmod(0o600)


def test_what_is_allowed_is_remembered_until_it_is_taken_back():
    assert consents().hosts == ()
    assert consents().problem == ""
    assert allow("API.Example.org:443") == "api.example.org"
    allow("other.example.org:8443")
    assert consents().hosts == ("api.example.org", "other.example.org:8443")
    assert is_allowed("api.example.ORG:443")
    assert forget("api.example.org")
    assert not is_allowed("api.example.org")
    assert is_allowed("other.example.org:8443")
    assert not forget("api.example.org")


@pytest.mark.parametrize(
    "other",
    ["api.example.org:8443", "example.org", "x.api.example.org", "api.example.org.evil.com"],
)
def test_another_port_or_host_is_another_consent(other):
    allow("api.example.org")
    assert not is_allowed(other)


def test_to_answer_and_to_store_are_two_consents():
    allow("api.example.org")
    assert not is_allowed("api.example.org", Use.STORE)
    allow("api.example.org", Use.STORE)
    assert forget("api.example.org")
    assert consents().of(Use.STORE) == ("api.example.org",)
    assert is_allowed("api.example.org", Use.STORE)
    assert not is_allowed("api.example.org")


def test_of_hosts_allowed_and_taken_back_at_the_same_time_none_is_lost():
    kept = [f"kept{n}.example.org" for n in range(12)]
    taken = [f"taken{n}.example.org" for n in range(12)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(allow, taken))
        changes = [pool.submit(forget, host) for host in taken]
        changes += [pool.submit(allow, host) for host in kept]
        assert all(change.result() for change in changes)
    assert consents().hosts == tuple(sorted(kept))


def test_a_link_in_place_of_the_lock_is_not_followed(home):
    consent_file().parent.mkdir(parents=True)
    consent_file().with_suffix(".lock").symlink_to(home / "target")
    with pytest.raises(UsageError, match="cannot be written"):
        allow("api.example.org")
    assert not (home / "target").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"hosts": "api.example.org"}',
        b'{"hosts": ["api.example.org", "not a host"]}',
        b'{"stores": ["api.example.org"]}',
        b'{"hosts": ["api.example.org"], "stores": ["not a host"]}',
        b"[" * 60_000,
        b'{"hosts": ["api.example.org"]' + b" " * 64_000 + b"}",
    ],
)
def test_a_damaged_file_is_no_consent_and_says_so(content):
    damage(content)
    assert not any(is_allowed("api.example.org", use) for use in Use)
    assert str(consent_file()) in consents().problem


@pytest.mark.parametrize("change", [allow, forget])
def test_a_damaged_file_is_not_changed_since_what_it_allowed_would_be_lost(change):
    damage(b'{"hosts": ["api.example.org"],}')
    with pytest.raises(UsageError, match="cannot be read") as caught:
        change("new.example.org")
    assert caught.value.hint == f"rm {consent_file()}"
    assert consent_file().read_bytes() == b'{"hosts": ["api.example.org"],}'


@pytest.mark.parametrize("mode", [0o644, 0o602, 0o620])
def test_a_file_that_others_may_use_is_no_consent_and_the_command_mends_it(mode):
    allow("api.example.org")
    consent_file().chmod(mode)
    assert consents().hosts == ()
    assert "other users may use the consent file" in consents().problem
    assert consents().fix == f"chmod 600 {consent_file()}"
    assert consents().fix in consents().warnings[0]
    consent_file().chmod(0o600)
    assert is_allowed("api.example.org")


@pytest.mark.parametrize("mode", [0o400, 0o700])
def test_a_file_that_nobody_else_may_use_is_consent_and_is_written_as_ever(mode):
    allow("api.example.org")
    consent_file().chmod(mode)
    assert is_allowed("api.example.org")
    allow("other.example.org")
    assert stat.S_IMODE(consent_file().stat().st_mode) == 0o600


def test_a_link_is_no_consent_and_what_it_points_to_stays_as_it_is(home):
    consent_file().parent.mkdir(parents=True)
    target = home / "planted.json"
    target.write_text('{"hosts": ["evil.example"]}')
    target.chmod(0o600)
    consent_file().symlink_to(target)
    assert consents().hosts == ()
    assert "symbolic link" in consents().problem
    assert f"chmod 600 {consent_file()}" in consents().fix
    with pytest.raises(UsageError, match="symbolic link") as caught:
        allow("new.example.org")
    assert caught.value.hint == consents().fix
    assert consent_file().is_symlink()
    assert target.read_text() == '{"hosts": ["evil.example"]}'


def test_a_file_of_another_user_is_no_consent(monkeypatch):
    allow("api.example.org")
    monkeypatch.setattr(os, "getuid", lambda: consent_file().stat().st_uid + 1)
    assert consents().hosts == ()
    assert "not a file of yours" in consents().problem


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_no_consent(make):
    consent_file().parent.mkdir(parents=True)
    make(consent_file())
    assert "not a file of yours" in consents().problem


@given(content=st.binary(max_size=200))
def test_no_content_of_the_file_raises(content):
    damage(content)
    assert consents().hosts == ()


@pytest.mark.parametrize(
    "host", ["", "https://api.example.org/v1", "a\nb", "user@host", "*", "\x1b[2J"]
)
def test_what_is_no_host_cannot_be_allowed(host):
    for change in (allow, forget):
        with pytest.raises(UsageError, match="not the name of a host"):
            change(host)
    assert not is_allowed(host)
    assert not consent_file().exists()
