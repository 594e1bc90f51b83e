"""Servers over one index that stays open: MCP for assistants, HTTP for browser and programs.

`warm` keeps one index open and `updates` keeps it current; `mcp` and `web` answer from it. Nothing
here is imported by `ragqa ask`.
"""
