"""Doors to a warm index beside the command line: MCP for assistants, HTTP for browser and programs.

`warm` keeps one index open and up to date, `mcp` and `web` answer from it. Nothing here is imported
by `ragqa ask`.
"""
