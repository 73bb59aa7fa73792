"""The commands by name: each module is imported when somebody calls its command."""

from __future__ import annotations

# The commands in the order of `--help`, and the module of each. A command is the function of its
# name there, with underscores for hyphens.
COMMANDS = {
    "check": "build",
    "generate": "build",
    "verify": "build",
    "watch": "watch",
    "fmt": "fmt",
    "explain": "explain",
    "matrix": "matrix",
    "diff": "diff",
    "check-template": "check_template",
    "sync": "sync",
    "rules": "rules",
    "explain-rule": "rules",
    "schema": "schema",
    "completion": "completion",
}
