# SPDX-License-Identifier: GPL-2.0
"""Reading TOML tables into dataclasses, with errors that name the entry."""
import dataclasses
import tomllib
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from .message import LabError

Entry = TypeVar("Entry")


def load(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise LabError(f"{path}: {error}") from error


def _fits(value: Any, wanted: Any) -> bool:
    """Whether a value of TOML has the type of a field."""
    origin = typing.get_origin(wanted)
    arguments = typing.get_args(wanted)
    if origin is list:
        return isinstance(value, list) and all(_fits(one, arguments[0]) for one in value)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(one, arguments[1])
                                               for one in value.values())
    if origin is types.UnionType:
        return any(_fits(value, one) for one in arguments)
    if wanted is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, wanted)


def entry(kind: type[Entry], where: str, values: dict[str, Any], **more: Any) -> Entry:
    """Make a dataclass of an entry; refuse unknown keys and values of a wrong type."""
    fields = typing.get_type_hints(kind)
    for key, value in values.items():
        if key not in fields or key in more:
            raise LabError(f"{where}: unknown key '{key}'")
        if not _fits(value, fields[key]):
            raise LabError(f"{where}: '{key}' has a value of the wrong type: {value!r}")
    given = set(values) | set(more)
    for field in dataclasses.fields(kind):
        if (field.name not in given and field.default is dataclasses.MISSING
                and field.default_factory is dataclasses.MISSING):
            raise LabError(f"{where}: '{field.name}' is missing")
    return kind(**values, **more)
