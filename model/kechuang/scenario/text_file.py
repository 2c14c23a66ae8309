"""Gets the text of a file that a person wrote: bounded in size, UTF-8, and a file at all."""

from __future__ import annotations

from pathlib import Path

from kechuang.errors import InputError, Problem, did_you_mean

MAX_BYTES = 200_000


def read_text(path: Path, shown: str) -> str:
    """Return the text of a file; InputError says what it is instead. `shown` is its name in messages."""
    return _text(_bytes(path, shown), shown)


def _bytes(path: Path, shown: str) -> bytes:
    """Return the content of a file of bounded size."""
    if path.is_dir():
        raise InputError(Problem(shown, message="is a folder; name a file in it, such as my-scenario.yaml"))
    if not path.exists():
        raise InputError(Problem(shown, message=f"no such file{_neighbour(path)}; check the path"))
    if not path.is_file():
        raise InputError(Problem(shown, message="is not an ordinary file; name a .yaml file"))
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"cannot be read ({error.strerror}); check its permissions"
        raise InputError(Problem(shown, message=message)) from error
    if len(data) > MAX_BYTES:
        message = f"larger than {MAX_BYTES // 1000} kB, a scenario needs a few; name another file"
        raise InputError(Problem(shown, message=message))
    return data


def _neighbour(path: Path) -> str:
    if not path.parent.is_dir():
        return f' (there is no folder "{path.parent}")'
    return did_you_mean(path.name, sorted(entry.name for entry in path.parent.glob("*.y*ml")))


def _text(data: bytes, shown: str) -> str:
    """Decode UTF-8; say where it is not, and whether the file looks like text at all."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        message = "not UTF-8 but UTF-16; save the file again with the encoding UTF-8"
        raise InputError(Problem(shown, 1, 1, "", message))
    if b"\x00" in data:
        line, column = place_of(data, data.index(b"\x00"))
        raise InputError(Problem(shown, line, column, "", "a binary file, not text; name a .yaml file"))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = place_of(data, error.start)
        byte = data[error.start]
        message = f"not UTF-8 (byte 0x{byte:02x}); save the file again with the encoding UTF-8"
        raise InputError(Problem(shown, line, column, "", message)) from error


def place_of(data: bytes, offset: int) -> tuple[int, int]:
    """Return line and column, counted from 1, of a byte of a UTF-8 text."""
    before = data[:offset]
    start = before.rfind(b"\n") + 1
    return before.count(b"\n") + 1, len(before[start:].decode("utf-8", errors="replace")) + 1
