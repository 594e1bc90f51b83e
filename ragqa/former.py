"""Former commands, options and settings, with what to do instead."""

INSTEAD = {
    "ragqa index --list": "ragqa status names the folder of an index",
    "ragqa index --remove": "remove the folder by hand: ragqa status names it",
    "ragqa eval --compare": "compare two documents of --json, with jq for example",
    "ragqa eval --set": "RAGQA_PASSAGE_TOKENS=100 ragqa eval --index DIR sets it for one run",
}
"""By the command, the command and its option, or the setting: one sentence or one command."""
