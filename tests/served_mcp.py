"""The SDK's own client of the MCP server."""

import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from support import QUICK


def started(folder):
    """How a client starts the server."""
    return {
        "command": sys.executable,
        "args": ["-m", "ragqa", "mcp", "--corpus", str(folder / "notes")],
        "env": os.environ | QUICK | {"RAGQA_INDEX": str(folder / "index")},
        "cwd": folder,
    }


@asynccontextmanager
async def connected(folder):
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    parameters = StdioServerParameters(**started(folder))
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        async with (
            stdio_client(parameters, errlog=nowhere) as streams,
            ClientSession(*streams) as session,
        ):
            await session.initialize()
            while (await session.call_tool("status", {})).is_error:
                pass  # it waits itself before it says that the index is being built
            yield session


def talk(folder, *calls):
    """Call tools one after another; gives their results."""

    async def run():
        async with connected(folder) as session:
            return [await session.call_tool(name, given) for name, given in calls]

    return anyio.run(run)


def text_of(result):
    return "\n".join(block.text for block in result.content)
