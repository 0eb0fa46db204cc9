"""Runs the command: `python -m adk_flow`."""

from adk_flow.cli import main

main()
