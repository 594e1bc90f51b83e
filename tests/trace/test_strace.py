"""What a command did is read from the calls that strace lists."""

import importlib
import sys
from pathlib import Path

import pytest

TRACE = Path(__file__).parents[2] / "eval" / "trace"


@pytest.fixture(scope="module")
def strace():
    sys.path.insert(0, str(TRACE))
    try:
        return importlib.import_module("strace")
    finally:
        sys.path.remove(str(TRACE))


QUERY = r"\333\244\1\0\0\1\0\0\0\0\0\0\6mobile\7example\3com\0\0\1\0\1"
CALLS = r"""
connect(13<UDP:[7]>, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("10.0.0.5")}, 16) = 0
sendto(13<UDP:[10.0.0.2:4->10.0.0.53:53]>, "\333\244\1\0\0\1\0\6mobile\7example\3com\0", 9, 0) = 9
connect(5<TCP:[8]>, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("203.0.113.9")}, 16) = -1 EINPROGRESS (Operation now in progress)
connect(5<TCPv6:[9]>, {sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "::ffff:127.0.0.1", &sin6_addr)}, 28) = 0
connect(3<UNIX-STREAM:[1]>, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT (No such file)
openat(AT_FDCWD</here>, "read.txt", O_RDONLY|O_CLOEXEC) = 3</here/read.txt>
openat(AT_FDCWD</here>, "new.txt", O_WRONLY|O_CREAT|O_CLOEXEC, 0666) = 3</here/new.txt>
openat(AT_FDCWD</here>, "refused.txt", O_WRONLY|O_CREAT, 0666) = -1 EACCES (Permission denied)
mkdirat(7</there>, "folder", 0777) = 0
rename("/a/../b", "c") = 0
bind(4<UNIX-STREAM:[2]>, {sa_family=AF_UNIX, sun_path="/run/socket"}, 110) = 0
+++ exited with 0 +++
""".strip().splitlines()  # noqa: E501 - as strace prints them
"""Among them a UDP socket that is connected to an address, which sends nothing."""


def test_what_a_command_did_is_read_from_its_calls(strace):
    activity = strace.read_activity(CALLS, cwd="/here")
    assert activity.lookups == {"mobile.example.com"}
    assert activity.addresses == {"10.0.0.53:53", "203.0.113.9:443", "127.0.0.1:80"}
    assert activity.written == {"/here/new.txt", "/there/folder", "/b", "/here/c", "/run/socket"}


def test_each_call_alone_is_read_the_same(strace):
    whole = strace.read_activity(CALLS, cwd="/here")
    alone = [strace.read_activity([call], cwd="/here") for call in CALLS]
    assert whole.written == {path for activity in alone for path in activity.written}
    assert whole.addresses == {address for activity in alone for address in activity.addresses}
