"""Plain data as texts in random layouts, with a comment wherever one may stand; every comment is another one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

_TAILS = ["", ": {a: 1}", " 'x", ' "y', " [z", " # again", " - b", " &c *d", " = 2"]


class Layout:
    """What the writers share: chance, comments and line ends."""

    mark = "#"

    def __init__(self, random: Random) -> None:
        self.random = random
        self.comments: list[str] = []
        self.newline = random.choice(["\n", "\r\n"])

    def maybe(self, chance: float = 0.4) -> bool:
        """Return true now and then."""
        return self.random.random() < chance

    def comment(self) -> str:
        """Return a comment that no other one equals."""
        text = f"# note-{len(self.comments)}.{self.random.choice(_TAILS)}"
        self.comments.append(text)
        return text

    def end(self) -> str:
        """Return what ends a line: perhaps a comment."""
        return f"{' ' * self.random.randint(1, 3)}{self.comment()}" if self.maybe(0.3) else ""

    def between(self, indent: str) -> list[str]:
        """Return lines that say nothing."""
        lines = []
        while self.maybe(0.2):
            lines.append(f"{indent}{self.comment()}" if self.maybe(0.7) else "")
        return lines


class Yaml(Layout):
    """YAML with blocks and brackets, quotes of all kinds, aliases and merge keys."""

    def __init__(self, random: Random, *, aliases: bool) -> None:
        super().__init__(random)
        self.anchors: list[tuple[str, Any]] = []
        self.aliases = aliases
        self._names = 0

    def write(self, data: dict[str, Any]) -> str:
        """Return the text."""
        lines = ["---"] if self.maybe(0.2) else []
        lines += self._block(data, "") if self.maybe(0.8) and data else [self._flow(data, "  ")]
        return self.newline.join([*self.between(""), *lines, *self.between("")]) + self.newline

    def _scalar(self, value: Any) -> str:
        if isinstance(value, str):
            plain = value.replace("_", "a").isalnum() and value.isascii() and value[0].isalpha()
            forms = [json.dumps(value)] if value.isascii() else [f'"{_escaped(value)}"']
            if value.isprintable() and value.strip() == value and "'" not in value and value:
                forms.append(f"'{value}'")
            forms += [value] * 3 * (plain and value.lower() not in ("yes", "no", "null", "true", "false", "on", "off"))
            return self.random.choice(forms)
        return json.dumps(value)

    @contextmanager
    def _anchored(self, value: Any) -> Iterator[str]:
        # Found again later, but not inside itself, the value may be an alias of this one.
        if not self.aliases or not self.maybe(0.3):
            yield ""
            return
        self._names += 1
        name = f"a{self._names}"
        yield f"&{name} "
        self.anchors.append((name, value))

    def _alias(self, value: Any) -> str | None:
        names = [name for name, held in self.anchors if held == value and _exact(held) == _exact(value)]
        return f"*{self.random.choice(names)}" if names and self.aliases and self.maybe(0.8) else None

    def _flow(self, value: Any, indent: str) -> str:
        if alias := self._alias(value):
            return f"{alias} "
        if not isinstance(value, dict | list):
            with self._anchored(value) as anchor:
                return anchor + self._scalar(value)
        with self._anchored(value) as anchor:
            return anchor + self._brackets(value, indent)

    def _brackets(self, value: Any, indent: str) -> str:
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        if isinstance(value, dict):
            parts = [
                f"{self._scalar(key)}{self.random.choice([' : ', ': '])}{self._flow(item, indent)}"
                for key, item in value.items()
            ]
        else:
            parts = [self._flow(item, indent) for item in value]
        if self.maybe(0.6) or not parts:
            return f"{opening}{', '.join(parts)}{closing}"
        joint = [f"{part},{self.end()}{self.newline}{indent}" for part in parts[:-1]]
        tail = self.random.choice(["", ", "])
        last = f"{parts[-1]}{tail}{self.end()}{self.newline}{indent}"
        return f"{opening}{self.end()}{self.newline}{indent}{''.join([*joint, last])}{closing}"

    def _block(self, data: dict[str, Any], indent: str) -> list[str]:
        lines: list[str] = []
        merged = self._merged(data) if indent else None
        if merged:
            lines.append(f"{indent}<<: *{merged[0]}{self.end()}")
            data = {key: value for key, value in data.items() if key not in merged[1] or merged[1][key] != value}
        for key, value in data.items():
            lines += self.between(indent) if lines else []
            lines += self._pair(key, value, indent)
        return lines

    def _merged(self, data: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
        fitting = [(n, v) for n, v in self.anchors if isinstance(v, dict) and v and v.keys() <= data.keys()]
        return self.random.choice(fitting) if fitting and self.aliases and self.maybe(0.7) else None

    def _pair(self, key: str, value: Any, indent: str) -> list[str]:
        start = f"{indent}{self._scalar(key)}:"
        if (alias := self._alias(value)) is not None:
            return [f"{start} {alias}{self.end()}"]
        deeper = indent + " " * self.random.randint(1, 4)
        if isinstance(value, dict | list) and value and self.maybe(0.7):
            with self._anchored(value) as anchor:
                head = [f"{start} {anchor}".rstrip() + self.end(), *self.between(deeper)]
                if isinstance(value, dict):
                    return head + self._block(value, deeper)
                below = self.random.choice([indent, deeper])
                return head + [line for item in value for line in self._item(item, below)]
        return [f"{start} {self._flow(value, indent + '    ')}{self.end()}"]

    def _item(self, value: Any, indent: str) -> list[str]:
        if isinstance(value, dict) and value and self._alias(value) is None and self.maybe(0.7):
            gap = self.random.choice(["", "  "])
            lines = self._block(value, f"{indent}  {gap}")
            return [f"{indent}- {gap}{lines[0].lstrip()}", *lines[1:]]
        return [f"{indent}- {self._flow(value, indent + '    ')}{self.end()}"]


class Toml(Layout):
    """TOML with headers, arrays of tables, dotted keys and inline tables."""

    def write(self, data: dict[str, Any]) -> str:
        """Return the text."""
        # A file without anything is no config.
        first = self.between("") if data else [self.comment()]
        return self.newline.join([*first, *self._table(data, ""), *self.between("")]) + self.newline

    def _table(self, data: dict[str, Any], name: str) -> list[str]:
        own: list[str] = []
        below: list[str] = []
        for key, value in data.items():
            path = f"{name}.{self._key(key)}" if name else self._key(key)
            if isinstance(value, dict) and self.maybe(0.5):
                below += [*self.between(""), *self._header(value, path)]
            elif isinstance(value, list) and value and all(isinstance(v, dict) for v in value) and self.maybe(0.7):
                for item in value:
                    below += [*self.between(""), f"[[{path}]]{self.end()}", *self._table(item, path)]
            else:
                own += [*self.between("  "), *self._lines(key, value)]
        return own + below

    def _header(self, value: dict[str, Any], path: str) -> list[str]:
        lines = self._table(value, path)
        # A header that only deeper ones imply may be left out.
        implied = next((line for line in lines if not line.lstrip().startswith("#") and line), "").startswith("[")
        return lines if implied and self.maybe() else [f"[{path}]{self.end()}", *lines]

    def _lines(self, key: str, value: Any) -> list[str]:
        indent = self.random.choice(["", "", "  "])
        if isinstance(value, dict) and value and self.maybe(0.6):
            start = f"{indent}{self._key(key)}{self.random.choice(['.', ' . '])}"
            return [
                f"{start}{self._key(name)}{self._equals()}{self._value(item)}{self.end()}"
                for name, item in value.items()
            ]
        return [f"{indent}{self._key(key)}{self._equals()}{self._value(value, array=True)}{self.end()}"]

    def _equals(self) -> str:
        return self.random.choice([" = ", " = ", "="])

    def _key(self, key: str) -> str:
        bare = key.replace("_", "a").replace("-", "a").isalnum() and key.isascii()
        forms = [f'"{_escaped(key)}"', *[key] * 4 * bare, *[f"'{key}'"] * ("'" not in key and key.isprintable())]
        return self.random.choice(forms)

    def _value(self, value: Any, *, array: bool = False) -> str:
        if isinstance(value, str):
            forms = [f'"{_escaped(value)}"', *[f"'{value}'"] * ("'" not in value and value.isprintable())]
            return self.random.choice(forms)
        if isinstance(value, dict):
            parts = [f"{self._key(key)}{self._equals()}{self._value(item)}" for key, item in value.items()]
            return f"{{{self.random.choice([' ', ''])}{', '.join(parts)}}}"
        if not isinstance(value, list):
            return json.dumps(value)
        parts = [self._value(item, array=array) for item in value]
        if not array or self.maybe():
            return f"[{', '.join(parts)}]"
        lines = [f"  {part},{self.end()}{self.newline}" for part in parts]
        return f"[{self.end()}{self.newline}{''.join(lines)}]"


def json_text(random: Random, data: dict[str, Any]) -> str:
    """Return JSON in one of many layouts."""
    separators = random.choice([(",", ":"), (", ", ": "), (" , ", " : ")])
    text = json.dumps(
        data, indent=random.choice([None, 2, "\t"]), separators=separators, ensure_ascii=random.random() < 0.5
    )
    return text.replace("\n", random.choice(["\n", "\r\n"]))


def _escaped(text: str) -> str:
    plain = "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in text.replace("\\", "\\\\"))
    return plain.replace('"', '\\"')


def _exact(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
