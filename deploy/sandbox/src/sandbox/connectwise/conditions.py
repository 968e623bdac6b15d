"""Compiles the `conditions` language of list requests to a predicate (Developer Guide, Conditions)."""

# The grammar, from loosest to tightest; words are recognised in any case:
#
#   or         := and ("or" and)*
#   and        := term ("and" term)*
#   term       := "not" term | "(" or ")" | comparison
#   comparison := field operator literal | field ["not"] ("in" list | "like" text | "contains" text)
#   literal    := null | number | "text" | [date] | true | false
#
# A literal has the field's kind or the query is refused with 400: nothing is converted.  A field that the
# record does not have equals null and satisfies no other comparison, `!=` included:
#   {"quantity": 10.0}:  `quantity > 9 and cancelledDate = null` holds, `lessIncluded != 0` does not.
# Texts compare without regard to case, as in the server's database.

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
def compile_conditions(text: str, resource: Resource) -> Predicate:
    """Return the predicate that a conditions text means; raises `ConnectWiseRefusal` (400) for a bad text."""
    parser = _Parser(_tokenize(text, resource), resource)
    predicate = parser.parse_or()
    parser.expect("end")
    return predicate


def _tokenize(text: str, resource: Resource) -> list[Token]:
    tokens, position, text = [], 0, text.rstrip()
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise invalid(
                resource.name, "conditions", f"cannot be read from '{text[position : position + 20]}' on"
            )
        tokens.append(Token(match.lastgroup, match[match.lastgroup]))
        position = match.end()
    # The parser always has a token to look at: `end` cannot be written by a caller.
    return [*tokens, Token("end", "")]


class _Parser:
    """Recursive descent, one method for each rule of the grammar above."""

    def __init__(self, tokens: list[Token], resource: Resource) -> None:
        self._tokens = tokens
        self._position = 0
        self._resource = resource

    def parse_or(self) -> Predicate:
        choices = [self._parse_and()]
        while self._accept("or"):
            choices.append(self._parse_and())
        return choices[0] if len(choices) == 1 else lambda record: any(choice(record) for choice in choices)

    def expect(self, text: str) -> None:
        if not self._accept(text):
            raise self._error(f"'{text}' was expected instead of '{self._token.text}'")

    def _parse_and(self) -> Predicate:
        terms = [self._parse_term()]
        while self._accept("and"):
            terms.append(self._parse_term())
        return terms[0] if len(terms) == 1 else lambda record: all(term(record) for term in terms)

    def _parse_term(self) -> Predicate:
        if self._accept("not"):
            return _negate(self._parse_term())
        if self._accept("("):
            inner = self.parse_or()
            self.expect(")")
            return inner
        return self._parse_comparison()

    def _parse_comparison(self) -> Predicate:
        path = self._next("word")
        kind = self._resource.fields.get(path)
        if kind is None:
            raise invalid(self._resource.name, path, f"{path} is not a field of {self._resource.name}")
        path = "_info/lastUpdated" if path == "lastUpdated" else path
        if self._accept("not"):
            return _negate(self._parse_word_operator(path, kind))
        if self._token.kind != "op":
            return self._parse_word_operator(path, kind)
        op, literal = self._next("op"), self._parse_literal(kind)
        if literal is not None:
            compare = COMPARISONS[op]
            return lambda record: (
                (value := _casefold(value_at(record, path))) is not None and compare(value, literal)
            )
        if op not in ("=", "!="):
            raise self._error(f"null cannot be compared with {op}")
        return lambda record: (value_at(record, path) is None) == (op == "=")

    def _parse_word_operator(self, path: str, kind: FieldKind) -> Predicate:
        """`in`, `like` and `contains`."""
        if self._accept("in"):
            literals = self._parse_list(kind)
            return lambda record: _casefold(value_at(record, path)) in literals
        word = self._next("word").lower()
        if word not in ("like", "contains"):
            raise self._error(f"'{word}' is not an operator")
        text = str(self._parse_literal(FieldKind.STRING))
        if word == "contains":
            matches = re.compile(re.escape(text)).search
        else:  # `*` and `%` stand for any run of characters
            parts = [re.escape(part) for part in re.split(r"[*%]", text)]
            matches = re.compile(".*".join(parts), re.DOTALL).fullmatch
        return lambda record: (
            isinstance(value := _casefold(value_at(record, path)), str) and bool(matches(value))
        )

    def _parse_list(self, kind: FieldKind) -> list[Any]:
        self.expect("(")
        literals = [self._parse_literal(kind)]
        while self._accept(","):
            literals.append(self._parse_literal(kind))
        self.expect(")")
        return literals

    def _parse_literal(self, kind: FieldKind) -> Any:
        token = self._token
        self._position += 1
        if token.kind == "word" and token.text.lower() == "null":
            return None
        value = _literal_value(token, kind)
        if value is None:
            raise self._error(f"{token.text} is not a {kind.name.lower()}")
        return value

    @property
    def _token(self) -> Token:
        return self._tokens[self._position]

    def _accept(self, text: str) -> bool:
        """Step over the given word or mark if it comes next; `end` is recognised and never stepped over."""
        token = self._token
        accepted = token.kind == text == "end" or (
            token.kind in ("word", "mark") and token.text.lower() == text
        )
        self._position += accepted and text != "end"
        return accepted

    def _next(self, kind: str) -> str:
        token = self._token
        if token.kind != kind:
            raise self._error(f"'{token.text}' was not expected")
        self._position += 1
        return token.text

    def _error(self, message: str) -> ConnectWiseRefusal:
        return invalid(self._resource.name, "conditions", message)


def _literal_value(token: Token, kind: FieldKind) -> Any:
    """Return the token's value if the token is of the field's kind, else None."""
    match token.kind, kind:
        case "number", FieldKind.NUMBER:
            return float(token.text)
        case "string", FieldKind.STRING:
            unescaped = re.sub(r"\\(.)", r"\1", token.text[1:-1])
            # A bracket inside a text is written [[]; it stands for itself.
            return unescaped.replace("[[]", "[").casefold()
        case "word", FieldKind.BOOLEAN:
            return {"true": True, "false": False}.get(token.text.lower())
        case "date", FieldKind.DATE:
            return _timestamp(token.text.strip("[]"))
    return None


def _timestamp(text: str) -> str | None:
    """Return a date or time in the form that records hold, in which texts sort as times do."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (
        moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").casefold()
    )


def _casefold(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _negate(predicate: Predicate) -> Predicate:
    return lambda record: not predicate(record)
