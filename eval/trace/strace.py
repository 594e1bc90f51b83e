"""Runs a command under strace and reads what it did from the calls it made."""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CALLS = (
    "connect,sendto,sendmsg,sendmmsg,bind,open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,"
    "link,linkat,symlink,symlinkat,mknod,mknodat,truncate,chdir"
)
_CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += (\d+)")
_FAILED = re.compile(r"^(?:\d+ +)?connect\((.*)\) += -1 (?!ENOENT)")
_PEER = re.compile(r"->\[?([0-9a-fA-F.:]+?)\]?:(\d+)\]>")
_ADDRESS = re.compile(r'sin6?_port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"]+)"')
_PATH = re.compile(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"')
_SOCKET_PATH = re.compile(r'sun_path="((?:[^"\\]|\\.)*)"')
_NAME = re.compile(r'"((?:[^"\\]|\\.)*)"')
_LABEL = re.compile(r"(?:\\\d{1,3}|\\[a-z])([A-Za-z][A-Za-z0-9_-]+)")
_WRITING = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC")
_MAPPED = "::ffff:"  # before an IPv4 address in an IPv6 socket
_DNS = ("53", "5353")
_SENDING = ("sendto", "sendmsg", "sendmmsg")
_CREATING = (
    *("creat", "mkdir", "mkdirat", "rename", "renameat", "renameat2", "link", "linkat"),
    *("symlink", "symlinkat", "mknod", "mknodat", "truncate"),
)


@dataclass(frozen=True, slots=True)
class Activity:
    """What a command did: names looked up, addresses reached for or listened at, files written."""

    lookups: frozenset[str]
    addresses: frozenset[str]
    written: frozenset[str]
    bound: frozenset[str] = frozenset()


def trace(
    argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdin: str, folder: Path
) -> tuple[int, str, Activity]:
    """Run a command and its children to their end; gives its exit code, output and activity.

    Each thread's calls go to a file of its own in the folder, so that no two calls are mixed.
    """
    folder.mkdir()
    strace = ["strace", "-ff", "-yy", "--seccomp-bpf", "-s", "300", "-e", f"trace={CALLS}"]
    done = subprocess.run(
        [*strace, "-o", str(folder / "calls"), "--", *argv],
        cwd=cwd,
        env=dict(env),
        input=stdin.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    calls = (line for file in sorted(folder.iterdir()) for line in _lines(file))
    return done.returncode, done.stdout.decode(errors="replace"), read_activity(calls, cwd=str(cwd))


def read_activity(lines: Iterable[str], *, cwd: str) -> Activity:
    """Read the activity from lines of strace; `cwd` is where a path begins that names no folder."""
    lookups: set[str] = set()
    addresses: set[str] = set()
    written: set[str] = set()
    bound: set[str] = set()
    for line in lines:
        if failed := _FAILED.match(line):
            name, arguments = "connect", failed[1]
        elif call := _CALL.match(line):
            name, arguments = call[1], call[2]
        else:
            continue
        if name in _SENDING or name == "connect":
            for host, port in _reached(name, arguments):
                addresses.add(f"{host}:{port}")
                if port in _DNS:
                    lookups.add(_asked_name(arguments))
        elif name == "bind":
            written.update(_SOCKET_PATH.findall(arguments))
            bound.update(f"{host}:{port}" for port, host in _ADDRESS.findall(arguments))
        elif name in _CREATING or (name.startswith("open") and _WRITING.search(arguments)):
            written.update(_paths(arguments, cwd))
    return Activity(
        frozenset(lookups - {""}), frozenset(addresses), frozenset(written), frozenset(bound)
    )


def own_addresses() -> frozenset[str]:
    """The addresses of this machine, as Linux lists them."""
    four = re.findall(
        r"\|-- ([\d.]+)\n\s+/32 host LOCAL", Path("/proc/net/fib_trie").read_text(encoding="ascii")
    )
    try:
        rows = Path("/proc/net/if_inet6").read_text(encoding="ascii").split("\n")
    except FileNotFoundError:
        rows = []
    six = (":".join(re.findall("....", row[:32])) for row in rows if row)
    return frozenset({*four, *six})


def _lines(file: Path) -> Iterator[str]:
    with file.open(encoding="utf-8", errors="replace") as opened:
        yield from opened


def _reached(name: str, arguments: str) -> Iterator[tuple[str, str]]:
    """Where a call sends to, or connects to by TCP: to connect a UDP socket sends nothing."""
    if name == "connect" and "<UDP" in arguments.partition(",")[0]:
        return
    for port, host in _ADDRESS.findall(arguments):
        yield host.removeprefix(_MAPPED), port
    if peer := _PEER.search(arguments.partition(",")[0]):
        yield peer[1].removeprefix(_MAPPED), peer[2]


def _asked_name(arguments: str) -> str:
    """The name in a DNS query, whose labels strace prints between octal lengths."""
    if not (packet := _NAME.search(arguments)):
        return "(a name)"
    return ".".join(_LABEL.findall(packet[1])) or "(a name)"


def _paths(arguments: str, cwd: str) -> Iterator[str]:
    for folder, path in _PATH.findall(arguments):
        if path:
            yield os.path.normpath(f"{folder or cwd}/{path}" if path[0] != "/" else path)
