"""Traces every command and reports any that looks up a name, connects or writes elsewhere.

    python eval/trace/trace.py
    python eval/trace/trace.py --only ask --only chat --seconds 60

Each command runs under strace, in a home of its own, with an environment that asks libraries to
report, and its process stays for some seconds after the work is done, since libraries report from
threads in the background. Exits with 1 where a name was looked up, something was sent or connected
beyond this machine, or a file was written outside of ragqa's own folders, those named on the
command line and temporary ones. First a control does all three, to show that they are seen.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from commands import BUILDING, CONTROL, STAYING, USING, Case
from strace import Activity, own_addresses, trace

REPOSITORY = Path(__file__).resolve().parents[2]
NOTES = ("fine-tuning", "prompting", "rag")
ASKED_TO_REPORT = {
    "ORT_DISABLE_TELEMETRY": "0",
    "HF_HUB_DISABLE_TELEMETRY": "0",
    "RAY_USAGE_STATS_ENABLED": "1",
    "DO_NOT_TRACK": "0",
}
DEVICES = ("/dev/null", "/dev/tty", "/dev/pts/", "/dev/ptmx", "/proc/", "/dev/shm/")  # noqa: S108 - to be known


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The folders that a trace takes place in."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """A home of its own, and switches set so that libraries would report."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("RAGQA_", "XDG_"))}
        own = {"HOME": "home", "TMPDIR": "tmp", "RAGQA_CACHE": "cache"}
        own |= {"XDG_CONFIG_HOME": "config", "XDG_DATA_HOME": "data"}
        places = {name: str(self.folder / place) for name, place in own.items()}
        return kept | places | ASKED_TO_REPORT | {"PYTHONDONTWRITEBYTECODE": "1"}

    @property
    def allowed(self) -> tuple[str, ...]:
        """Where files may be written: ragqa's folders, temporary ones, and what was named."""
        ours = ("tmp/", "cache", "config/ragqa", "data/ragqa", "named")
        parents = ("config", "data")  # made on the way
        whole = [str(self.folder / place) for place in ours]
        made = [f"{self.folder / place}\0" for place in parents]
        return (*whole, *made, "/tmp/ragqa-", *DEVICES)  # noqa: S108 - to be known

    def prepare(self) -> None:
        """Make the folders, with some notes, and what an LLM is to say."""
        for name in ("home", "tmp", "here", "named"):
            (self.folder / name).mkdir()
        for name in NOTES:
            shutil.copytree(REPOSITORY / "corpus" / name, self.folder / "notes" / name)
        # Only a note that is not plainly English makes ragqa load what tells languages.
        (self.folder / "notes" / "drucker.md").write_text(
            "# Drucker\n\nDer Drucker steht neben der Küche. Das Papier liegt im Schrank.\n"
        )
        (self.folder / "named" / "script.jsonl").write_text(
            '{"when": "", "say": "LoRA trains small matrices [1]."}\n'
        )
        quote = "LoRA (low-rank adaptation) fine-tunes a model by freezing its weights"
        gold = [{"note": "fine-tuning/lora.md", "quote": quote}]
        (self.folder / "named" / "asked.jsonl").write_text(
            json.dumps({"id": "lora", "question": "what is LoRA?", "gold": gold}) + "\n"
        )

    def fill(self, text: str) -> str:
        """Put the folders into an argument or into what is typed."""
        return text.format(notes=self.folder / "notes", named=self.folder / "named")


def main() -> None:
    """Trace all commands, or some, and print what each did that it may not."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", help="a command by its first word; repeatable")
    parser.add_argument("--seconds", type=float, default=20, help="how long each process stays")
    args = parser.parse_args()
    if not shutil.which("strace"):
        raise SystemExit("strace is missing: apt-get install strace")
    with tempfile.TemporaryDirectory(prefix="trace-") as folder:
        sandbox = Sandbox(Path(folder))
        sandbox.prepare()
        check_control(sandbox)
        cases = [case for case in USING if not args.only or case.args[0] in args.only]
        built = BUILDING[:1] if args.only and not {"chat", "eval"} & {*args.only} else BUILDING
        faults = [check(case, sandbox, args.seconds) for case in built]
        with ThreadPoolExecutor(max_workers=6) as pool:  # most of their time is waiting
            faults += pool.map(lambda case: check(case, sandbox, args.seconds), cases)
        left = sorted(str(path) for path in (sandbox.folder / "home").rglob("*"))
    for path in left:
        print(f"left in the home folder: {path}")
    traced = len(built) + len(cases)
    print(f"{traced} commands traced, {sum(faults)} of them broke a promise")
    sys.exit(1 if any(faults) or left else 0)


def check_control(sandbox: Sandbox) -> None:
    """End the program unless a look-up, a connection and a file elsewhere are all seen."""
    argv = [sys.executable, "-c", CONTROL]
    _, output, activity = run(argv, sandbox, "control", stdin="")
    seen = {kind for kind, _ in violations(activity, sandbox)}
    if missing := {"look-up", "connection", "file"} - seen:
        raise SystemExit(f"the control's {', '.join(missing)} was not seen: {output}")
    for left in (sandbox.folder / "home").iterdir():
        left.unlink()
    print("control: its look-up, its connection and its file are seen")


def check(case: Case, sandbox: Sandbox, seconds: float) -> bool:
    """Trace one command and print a line about it; True if it did what it may not."""
    begun = time.monotonic()
    argv = [sys.executable, "-c", STAYING[case.serves], str(seconds), *map(sandbox.fill, case.args)]
    stdin, store = sandbox.fill(case.stdin), sandbox.fill(case.store)
    code, output, activity = run(argv, sandbox, str(id(case)), stdin=stdin, store=store)
    findings = sorted(violations(activity, sandbox))
    said = f"{time.monotonic() - begun:.0f} s, 0 look-ups, 0 connections, 0 files elsewhere"
    if code != case.code:
        findings.append(("exit", f"{code} instead of {case.code}: {output[-600:]}"))
    if case.says not in output:
        findings.append(("answer", f"{case.says} is not in it: {output[-600:]}"))
    if case.serves:
        beyond = (at for at in activity.bound if not at.startswith("127.0.0.1:"))
        findings += [("listens", address) for address in beyond]
    lines = [f"   {kind}: {what}" for kind, what in findings]
    print("\n".join([f"ragqa {' '.join(case.args)}: {'FAULTS' if lines else said}", *lines]))
    return bool(findings)


def run(
    argv: Sequence[str], sandbox: Sandbox, name: str, *, stdin: str, store: str = ""
) -> tuple[int, str, Activity]:
    """Trace a command in the prepared folders."""
    return trace(
        argv,
        env=sandbox.environment | ({"RAGQA_STORE": store} if store else {}),
        cwd=sandbox.folder / "here",
        stdin=stdin,
        folder=sandbox.folder / f"calls-{name}",
    )


def violations(activity: Activity, sandbox: Sandbox) -> set[tuple[str, str]]:
    """What of all that was done no command may do."""
    own = own_addresses()
    beyond = {
        address
        for address in activity.addresses
        if (host := address.rpartition(":")[0]) not in own and not host.startswith(("127.", "::1"))
    }
    elsewhere = {path for path in activity.written if not f"{path}\0".startswith(sandbox.allowed)}
    return {
        *(("look-up", name) for name in activity.lookups),
        *(("connection", address) for address in beyond),
        *(("file", path) for path in elsewhere),
    }


if __name__ == "__main__":
    main()
