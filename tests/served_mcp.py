"""The SDK's own client of the MCP server, in this process."""

import os
from unittest import mock

import anyio
from support import QUICK

from ragqa.api import Index
from ragqa.config import load_settings
from ragqa.serving.warm import WarmIndex
from ragqa.serving.writing import server_writer


def built(folder, llm=""):
    """An index of the folder's notes that is up to date and that nobody updates."""
    with mock.patch.dict(os.environ, QUICK):
        loaded = load_settings({"corpus": str(folder / "notes"), "index": str(folder / "index")})
    with Index(loaded) as index:
        index.refresh()
    return WarmIndex(loaded, server_writer(loaded.settings, llm))


def within(folder, work):
    """What `work` gives with a client that is connected."""
    import mcp

    from ragqa.serving.mcp import server_over

    async def run():
        async with mcp.Client(server_over(built(folder))) as client:
            return await work(client)

    return anyio.run(run)


def talk(folder, *calls):
    """Call tools one after another; gives their results."""

    async def work(client):
        return [await client.call_tool(name, given) for name, given in calls]

    return within(folder, work)


def listed_tools(folder):
    """The tools that the server has."""

    async def work(client):
        return (await client.list_tools()).tools

    return within(folder, work)


def text_of(result):
    return "\n".join(block.text for block in result.content)
