"""Reading JSON that anybody may have sent, and writing JSON that everybody can read.

``load`` makes an object of a frame, the others take one field each out of it, and all raise `FrameError` with a
sentence that fits into the reason of a close frame.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NoReturn, TypeAlias, TypeVar

from p2pchat.errors import FrameError

JsonObject: TypeAlias = Mapping[str, Any]
Frame = TypeVar("Frame")

MAX_ID = 256  # characters in a user, room or client id (our choice: a UUID has 36)
MAX_NUMBER = 100  # digits (our choice)
MAX_TIME = 64  # characters (our choice: RFC 3339 needs some 35)

RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d"  # of these `datetime` knows which exist
    r":([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)",  # 60 is a leap second
    re.ASCII,
)


def dump(fields: JsonObject) -> str:
    """Write a frame: ASCII alone, so that half a character (a lone surrogate) cannot hinder its sending."""
    return _encode(fields)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON (RFC 8259, section 6)")


def _whole(number: str) -> int:
    if (digits := len(number.removeprefix("-"))) > MAX_NUMBER:
        raise ValueError(f"a number of {digits} digits is too long")
    return int(number)


# Made once: each frame needs them.
_encode = json.JSONEncoder(separators=(",", ":")).encode
_decode = json.JSONDecoder(parse_constant=_no_constant, parse_int=_whole).decode


def load(text: str) -> JsonObject:
    """Read a frame as a JSON object (RFC 8259)."""
    try:
        fields = _decode(text)
    except RecursionError:
        raise FrameError("the frame is nested too deeply", 1007) from None
    except ValueError as error:
        raise FrameError(f"the frame is not JSON: {error}", 1007) from None
    if not isinstance(fields, dict):
        raise FrameError(f"the frame must be a JSON object, not {show(fields)}")
    return fields


def by_type(fields: JsonObject, parsers: Mapping[str, Callable[[JsonObject], Frame]]) -> Frame:
    """Read a frame with the parser that its "type" asks for."""
    kind = text_field(fields, "type")
    if kind not in parsers:
        raise FrameError(f"unknown message type {show(kind)}")
    return parsers[kind](fields)


def required(fields: JsonObject, key: str) -> Any:
    """A field of any type that must be there."""
    if key not in fields:
        raise FrameError(f'"{key}" is missing')
    return fields[key]


def text_field(fields: JsonObject, key: str, longest: int | None = None) -> str:
    """A text that must be there, and not be empty."""
    value = required(fields, key)
    if not isinstance(value, str) or not value:
        raise FrameError(f'"{key}" must be a text that is not empty, not {show(value)}')
    if longest is not None and len(value) > longest:
        raise FrameError(f'"{key}" is too long: {len(value)} characters, {longest} are allowed')
    return value


def optional_text(fields: JsonObject, key: str, longest: int | None = None) -> str | None:
    """A text, or None where it is missing, null or empty."""
    return None if fields.get(key) in (None, "") else text_field(fields, key, longest)


def flag(fields: JsonObject, key: str) -> bool:
    """True or false; false where it is missing or null."""
    value = fields.get(key)
    if value is not None and not isinstance(value, bool):
        raise FrameError(f'"{key}" must be true or false, not {show(value)}')
    return bool(value)


def number(fields: JsonObject, key: str) -> int:
    """A whole number that must be there."""
    value = required(fields, key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise FrameError(f'"{key}" must be a whole number, not {show(value)}')
    return value


def time_field(fields: JsonObject, key: str) -> str:
    """A time as RFC 3339, section 5.6, has it as it is written."""
    value = text_field(fields, key, MAX_TIME)
    try:
        if not RFC3339.fullmatch(value):
            raise ValueError("another format")
        datetime.fromisoformat(value[:16])
    except ValueError:
        raise FrameError(f'"{key}" must be an RFC 3339 time like 2026-01-31T12:00:00Z, not {show(value)}') from None
    return value


def list_field(fields: JsonObject, key: str) -> list[Any]:
    """A list, empty where it is missing or null."""
    value = fields.get(key)
    if value is not None and not isinstance(value, list):
        raise FrameError(f'"{key}" must be a list, not {show(value)}')
    return value or []


def show(value: object) -> str:
    """What was found, short enough for the reason of a close frame (RFC 6455 allows 123 bytes)."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    shown = json.dumps(value)
    return shown if len(shown) <= 40 else shown[:37] + "..."
