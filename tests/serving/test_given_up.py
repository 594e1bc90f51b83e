"""A call that its client gave up stops working: it does not start, or ends at its next stage."""

import threading

import anyio
import pytest
from served_mcp import built
from support import HANGS_S, write_notes

from ragqa.api import Index
from ragqa.api import index as asking

mcp = pytest.importorskip("mcp", reason="the extra mcp is not installed")
serving = pytest.importorskip("ragqa.serving.mcp")

CALL = {"name": "ask", "arguments": {"question": "at how many degrees is green tea brewed?"}}


@pytest.fixture
def warm(tmp_path):
    write_notes(tmp_path / "notes", {"tea.md": "Green tea is brewed at 80 degrees.\n"})
    return built(tmp_path)


class Held:
    """Work that stands still until it may go on, and what was done after it."""

    def __init__(self):
        self.begun, self.go_on, self.done_after = threading.Event(), threading.Event(), []

    def __call__(self, *_):
        self.begun.set()
        assert self.go_on.wait(HANGS_S)

    async def has_begun(self):
        assert await anyio.to_thread.run_sync(self.begun.wait, HANGS_S)


@pytest.fixture
def held(monkeypatch):
    """Holds a question while it retrieves, and records whether it is answered then."""
    made, find_hits = Held(), asking.find_hits
    monkeypatch.setattr(asking, "find_hits", lambda *a, **k: (made(), find_hits(*a, **k))[1])
    monkeypatch.setattr(asking, "compose", lambda *_: made.done_after.append("answered"))
    return made


def give_up(warm, held, before_the_call=lambda: None):
    """Call a tool, cancel the call once the work has begun that is held, and let this go on."""

    async def run():
        async with mcp.Client(serving.server_over(warm)) as client:
            before_the_call()
            async with anyio.create_task_group() as group:
                group.start_soon(lambda: client.call_tool(**CALL))
                await held.has_begun()
                await anyio.wait_all_tasks_blocked()
                group.cancel_scope.cancel()
            await client.list_tools()
            held.go_on.set()

    anyio.run(run)
    warm.use(lambda _: None)  # it waits for whatever has the index


def test_a_call_that_waits_for_the_index_does_not_start(warm, monkeypatch):
    held = Held()
    monkeypatch.setattr(Index, "snapshot", lambda _: held.done_after.append("opened"))
    other = threading.Thread(target=warm.use, args=(held,))
    give_up(warm, held, other.start)
    other.join()
    assert held.done_after == []


def test_a_call_that_is_being_worked_on_ends_at_its_next_stage(warm, held):
    give_up(warm, held)
    assert held.done_after == []
