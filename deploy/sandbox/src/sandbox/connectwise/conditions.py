"""The `conditions` language, compiled to a predicate (Developer Guide, Conditions)."""

import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sandbox.connectwise.errors import ConnectWiseRefusal, invalid
from sandbox.connectwise.fields import FieldKind, Record, Resource, value_at

Predicate = Callable[[Record], bool]

TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<date>\[[^\]]*\])
    | (?P<number>-?\d+(?:\.\d+)?)
    | (?P<op>!=|<=|>=|=|<|>)
    | (?P<mark>[(),])
    | (?P<word>[A-Za-z_][\w/]*)
    )""",
    re.VERBOSE,
)
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Token(NamedTuple):
    """A piece of the text with its kind: the name of its group in TOKEN, or `end`."""

    kind: str
    text: str


@lru_cache(maxsize=1024)
def compiled(text: str, resource: Resource) -> Predicate:
    """The predicate that a conditions text means; raises the 400 that ConnectWise answers to a bad one."""
    parser = _Parser(_tokens(text, resource), resource)
    predicate = parser.either()
    parser.expect("end")
    return predicate


def _tokens(text: str, resource: Resource) -> list[Token]:
    tokens, position, text = [], 0, text.rstrip()
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise invalid(
                resource.name, "conditions", f"cannot be read from '{text[position : position + 20]}' on"
            )
        tokens.append(Token(match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return [*tokens, Token("end", "")]


class _Parser:
    """Recursive descent: or, and, not, brackets, comparison."""

    def __init__(self, tokens: list[Token], resource: Resource) -> None:
        self._tokens = tokens
        self._at = 0
        self._resource = resource

    def either(self) -> Predicate:
        choices = [self._both()]
        while self._took("or"):
            choices.append(self._both())
        return choices[0] if len(choices) == 1 else lambda record: any(choice(record) for choice in choices)

    def expect(self, text: str) -> None:
        if not self._took(text):
            raise self._wrong(f"'{text}' was expected instead of '{self._token.text}'")

    def _both(self) -> Predicate:
        parts = [self._single()]
        while self._took("and"):
            parts.append(self._single())
        return parts[0] if len(parts) == 1 else lambda record: all(part(record) for part in parts)

    def _single(self) -> Predicate:
        if self._took("not"):
            return _negated(self._single())
        if self._took("("):
            inner = self.either()
            self.expect(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Predicate:
        path = self._next("word")
        kind = self._resource.fields.get(path)
        if kind is None:
            raise invalid(self._resource.name, path, f"{path} is not a field of {self._resource.name}")
        path = "_info/lastUpdated" if path == "lastUpdated" else path
        if self._took("not"):
            return _negated(self._worded(path, kind))
        if self._token.kind != "op":
            return self._worded(path, kind)
        op, wanted = self._next("op"), self._literal(kind)
        if wanted is None and op not in ("=", "!="):
            raise self._wrong(f"null cannot be compared with {op}")
        return _compared(path, op, wanted)

    def _worded(self, path: str, kind: FieldKind) -> Predicate:
        """`in`, `like` and `contains`; case does not matter in texts, as in the server's database."""
        if self._took("in"):
            wanted = self._list(kind)
            return lambda record: _folded(value_at(record, path)) in wanted
        word = self._next("word").lower()
        if word not in ("like", "contains"):
            raise self._wrong(f"'{word}' is not an operator")
        text = str(self._literal(FieldKind.STRING))
        found = _like(text) if word == "like" else re.compile(re.escape(text)).search
        return lambda record: isinstance(have := _folded(value_at(record, path)), str) and bool(found(have))

    def _list(self, kind: FieldKind) -> list[Any]:
        self.expect("(")
        wanted = [self._literal(kind)]
        while self._took(","):
            wanted.append(self._literal(kind))
        self.expect(")")
        return wanted

    def _literal(self, kind: FieldKind) -> Any:
        token = self._token
        self._at += 1
        if token.kind == "word" and token.text.lower() == "null":
            return None
        value = _value(token, kind)
        if value is None:
            raise self._wrong(f"{token.text} is not a {kind.name.lower()}")
        return value

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    def _took(self, text: str) -> bool:
        """Step over the given word or mark if it comes next."""
        token = self._token
        found = token.kind == text == "end" or (token.kind in ("word", "mark") and token.text.lower() == text)
        self._at += found and text != "end"
        return found

    def _next(self, kind: str) -> str:
        token = self._token
        if token.kind != kind:
            raise self._wrong(f"'{token.text}' was not expected")
        self._at += 1
        return token.text

    def _wrong(self, message: str) -> ConnectWiseRefusal:
        return invalid(self._resource.name, "conditions", message)


def _value(token: Token, kind: FieldKind) -> Any:
    """The token's value if it is of the field's kind, else None."""
    match token.kind, kind:
        case "number", FieldKind.NUMBER:
            return float(token.text)
        case "string", FieldKind.STRING:
            # A bracket inside a text is written [[]; it stands for itself.
            return _unquoted(token.text).replace("[[]", "[").casefold()
        case "word", FieldKind.BOOLEAN:
            return {"true": True, "false": False}.get(token.text.lower())
        case "date", FieldKind.DATE:
            return _moment(token.text.strip("[]"))
    return None


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _moment(text: str) -> str | None:
    """A date or time as the records hold it, so that texts compare as times do."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (
        moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").casefold()
    )


def _compared(path: str, op: str, wanted: Any) -> Predicate:
    compare = COMPARISONS[op]
    if wanted is None:
        return lambda record: (value_at(record, path) is None) == (op == "=")
    return lambda record: (have := _folded(value_at(record, path))) is not None and compare(have, wanted)


def _like(pattern: str) -> Callable[[str], Any]:
    """A text with `*` or `%` for any run of characters."""
    parts = re.split(r"[*%]", pattern)
    return re.compile(".*".join(re.escape(part) for part in parts), re.DOTALL).fullmatch


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _negated(predicate: Predicate) -> Predicate:
    return lambda record: not predicate(record)
