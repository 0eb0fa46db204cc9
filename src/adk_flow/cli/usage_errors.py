"""What is typed wrong, in one line: the argument, its value and what was expected."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, get_args, get_origin, get_type_hints

from adk_flow._text import join_names, suggest


def describe_usage(error: Any, words: Sequence[str]) -> str:
    """Says what is wrong with the words of a command."""
    context: Any = error.ctx
    param: Any = getattr(error, "param", None)
    help_page = f"; see {context.command_path} --help" if context else ""
    match type(error).__name__:
        case "NoSuchOption":
            names = [name for p in context.command.params for name in p.opts if name[0] == "-"]
            meant = suggest(error.option_name, ["--help", *names])
            return f"{error.option_name}: no such option{meant}{help_page}"
        case "BadOptionUsage":
            needs = "needs a value" if "requires" in error.message else "takes no value"
            return f"{error.option_name}: {needs}{help_page}"
        case "MissingParameter":
            return f"{_name(param)}: is missing; expected: {param.help.rstrip('.')}{help_page}"
        case "BadParameter":
            value = _value(param.opts[-1], words)
            function = inspect.unwrap(context.command.callback)
            if expected := _expected(function, param.name, value):
                return f"{_name(param)} {value}: expected {expected}"
            return f"{_name(param)}: {error.message.rstrip('.')}"
    if error.message.startswith("No such command"):
        name = error.message.split("'")[1]
        return f"{name}: no such command{suggest(name, context.command.commands)}{help_page}"
    if "unexpected extra argument" in error.message:
        return f"{error.message.rpartition('(')[2].rstrip(')')}: too many arguments{help_page}"
    return f"{error.format_message().rstrip('.')}{help_page}"


def _name(param: Any) -> str:
    name = param.opts[-1]
    return name if name.startswith("-") else param.metavar or name.upper()


def _value(option: str, words: Sequence[str]) -> str:
    """Finds what was given for an option."""
    for word, following in pairwise([*words, ""]):
        if word == option:
            return following
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    return ""


def _expected(function: Any, parameter: str, value: str) -> str:
    """Says which values an option takes, as its type has them; empty of a path."""
    annotated = get_type_hints(function, include_extras=True)[parameter]
    kind, option = get_args(annotated)
    kinds = [kind, *get_args(kind)]  # those of `kind | None`, too
    if choices := next((get_args(each) for each in kinds if get_origin(each) is Literal), ()):
        return f"{join_names(choices, 'or')}{suggest(value, choices)}"
    if not {int, float} & {*kinds}:
        return ""
    noun = "a whole number" if int in kinds else "a number"
    least = f" from {option.min}" if option.min is not None else ""
    return f"{noun}{least}{f' to {option.max}' if option.max is not None else ''}"
