"""A bug in ragqa costs one request, and shows nothing of itself there."""

import logging

import anyio
import pytest
from served import guarding
from starlette.responses import PlainTextResponse

from ragqa.serving.asking import BUG
from ragqa.serving.warm import Freshness
from ragqa.serving.web import web_app

INSIDE = "a line of a note that is private"


class Broken:
    """An index whose use fails as nobody expected."""

    writer = None
    freshness = Freshness()

    def use(self, *_, **__):
        raise ZeroDivisionError(INSIDE)


def ask(app, path):
    """The status and the body that an application behind its guard answers."""
    status, _, body = anyio.run(guarding(app), path, b"q=tea")
    return status, body


@pytest.mark.parametrize("path", ["/", "/about", "/note/tea.md"])
def test_a_page_says_so_in_one_sentence(path, caplog):
    status, body = ask(web_app(Broken()), path)
    assert status == 500
    assert BUG.capitalize() in body
    for each in (INSIDE, "ZeroDivisionError", "Traceback", ".py"):
        assert each not in body


def test_a_traceback_is_logged_for_debugging_only(caplog):
    with caplog.at_level(logging.WARNING, "ragqa"):
        ask(web_app(Broken()), "/")
    assert "ZeroDivisionError" in caplog.text
    assert "Traceback" not in caplog.text
    with caplog.at_level(logging.DEBUG, "ragqa"):
        ask(web_app(Broken()), "/")
    assert "Traceback" in caplog.text


def test_whatever_an_application_raises_ends_at_the_guard(caplog):
    async def app(scope, receive, send):
        await PlainTextResponse("sorry", status_code=500)(scope, receive, send)
        raise ZeroDivisionError(INSIDE)

    assert ask(app, "/mcp") == (500, "sorry")


def test_a_tool_says_so_to_the_model(caplog):
    serving = pytest.importorskip("ragqa.serving.mcp", reason="the extra mcp is not installed")
    got = serving._call(Broken(), "ask", {"question": "tea"})
    assert got.is_error
    assert BUG in got.content[0].text
    assert INSIDE not in got.content[0].text
