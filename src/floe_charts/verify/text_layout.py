"""One template's output with a word in each value: what became of each word when texts took the place of many at once.

Several texts in one output hide which of them is to blame. The output is therefore laid beside the one with the words:
what stands between the words is the same in both, so that it shows what each text turned into. Then the output is put
together as it would be with one text alone, and read.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass

from floe_charts.verify.kube_yaml import YamlFault, read_documents
from floe_charts.verify.text_places import (
    ANY_CASE,
    WORD,
    Fault,
    Form,
    compare,
    find_words,
    from_base64,
    proper,
    spellings,
)

__all__ = ["Layout"]

_DOCUMENT = re.compile(r"(?m)^---.*\n?")
_DIGEST = re.compile(r"[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32}")
_ENCODED = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_TOKEN = re.compile(rf"{ANY_CASE.pattern}|(?:(?!{ANY_CASE.pattern})[A-Za-z0-9+/]){{12,}}={{0,2}}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Part:
    """One document of the output: its text with the words, cut at the words, and what YAML makes of it."""

    text: str
    line: int
    pieces: tuple[str, ...]
    tokens: tuple[str, ...]
    documents: tuple[object, ...]
    again: tuple[object, ...]

    @classmethod
    def of(cls, text: str, line: int, again: str) -> _Part:
        pieces, tokens, end = [], [], 0
        for match in _TOKEN.finditer(text):
            if ANY_CASE.fullmatch(match[0]) or _varies(match[0]):
                pieces.append(text[end : match.start()])
                tokens.append(match[0])
                end = match.end()
        pieces.append(text[end:])
        return cls(text, line, tuple(pieces), tuple(tokens), read_documents(text), _read(again))

    @property
    def words(self) -> frozenset[str]:
        """The words that stand in it as text."""
        return frozenset(proper(token) for token in self.tokens if ANY_CASE.fullmatch(token))

    def captured(self, after: str, text: str, words: frozenset[str]) -> list[str] | None:
        """What stands in ``after`` in the place of each token; None where more than the tokens differs."""
        if not after.startswith(self.pieces[0]):
            return None
        found, position = [], len(self.pieces[0])
        for token, piece in zip(self.tokens, self.pieces[1:], strict=True):
            if ANY_CASE.fullmatch(token):
                one = _capture(after, position, token, piece, text if proper(token) in words else None)
            else:
                one = _encoded(after, position, token, piece, _replaced(token, words, text))
            if one is None:
                return None
            found.append(one)
            position += len(one) + len(piece)
        return found if position == len(after) else None

    def alone(self, captures: list[str], word: str, text: str) -> str:
        """The document with the text in the place of one word only; ``captures`` say how it is written there."""
        standing = []
        for old, new in zip(self.tokens, captures, strict=True):
            alone = _replaced(old, frozenset([word]), text)
            if ANY_CASE.fullmatch(old):
                standing.append(new if proper(old) == word else old)
            else:
                standing.append(old if alone is None else base64.b64encode(alone.encode()).decode())
        return "".join(one for pair in zip(self.pieces, [*standing, ""], strict=True) for one in pair)

    def faults(self, after: str, text: str, words: frozenset[str]) -> dict[str, Fault]:
        """What is wrong with the words of this document; the first fault of each."""
        try:
            found = read_documents(after)
        except YamlFault as fault:
            said = Fault(
                "breaks-yaml", f"the output is not YAML any more (line {self.line + fault.line}: {fault.problem})"
            )
            return dict.fromkeys(sorted(words), said)
        faults: dict[str, Fault] = {}
        for index, document in enumerate(self.documents):
            second, now = (one[index] if index < len(one) else None for one in (self.again, found))
            faults = compare(document, second, now, text, words) | faults
        return faults


class Layout:
    """What a template gives when each value holds a word of its own."""

    def __init__(self, rendered: str, again: str) -> None:
        """Read the output and that of a second render of the same; raise YamlFault where it is not YAML."""
        others = _split(again)
        texts = _split(rendered)
        self._parts: list[_Part] = []
        line = 0
        for index, text in enumerate(texts):
            other = others[index] if len(others) == len(texts) else ""
            self._parts.append(_Part.of(text, line, other))
            line += text.count("\n")
        self.forms: dict[str, set[Form]] = {}
        for part in self._parts:
            for document in part.documents:
                for found, form in find_words(document):
                    self.forms.setdefault(found, set()).add(form)

    def judge(self, after: str, text: str, words: frozenset[str]) -> Mapping[str, Fault] | None:
        """What is wrong with each of the words alone, where ``after`` has ``text`` in the place of all of them.

        None where something is wrong and it cannot be told with which.
        """
        now = _split(after)
        if len(now) != len(self._parts):
            # The texts made or took away a document, or the template did.
            together = _Part("", 0, (), (), self._documents("documents"), self._documents("again"))
            faults = together.faults(after, text, words)
            return faults if not faults or len(words) == 1 else None
        found: dict[str, Fault] = {}
        for part, one in zip(self._parts, now, strict=True):
            here = (words & part.words) | _hidden(part, words)
            faults = part.faults(one, text, here) if here else {}
            if faults and len(here) > 1:
                captures = part.captured(one, text, here)
                if captures is None:
                    return None
                faults = {}
                for word in sorted(here):
                    faults.update(part.faults(part.alone(captures, word, text), text, frozenset([word])))
            found = faults | found
        return found

    def verbatim(self, after: str, text: str, words: frozenset[str]) -> frozenset[str]:
        """The words in whose place ``text`` stands in ``after`` just as it is, wherever they stand."""
        now = _split(after)
        if len(now) != len(self._parts):
            return frozenset()
        changed: set[str] = set()
        for part, one in zip(self._parts, now, strict=True):
            here = (part.words & words) | _hidden(part, words)
            captures = part.captured(one, text, here) if here else []
            if captures is None:
                changed |= here
            else:
                pairs = zip(part.tokens, captures, strict=False)
                changed |= {proper(old) for old, new in pairs if ANY_CASE.fullmatch(old) and new != text}
        return words - changed

    def judge_verbatim(self, text: str, word: str) -> Fault | None:
        """What is wrong where ``text`` stands, just as it is, in the place of a word."""
        for part in self._parts:
            if word in part.words | _hidden(part, frozenset([word])):
                fault = part.faults(part.alone([text] * len(part.tokens), word, text), text, frozenset([word])).get(
                    word
                )
                if fault is not None:
                    return fault
        return None

    def _documents(self, name: str) -> tuple[object, ...]:
        return tuple(document for part in self._parts for document in getattr(part, name))


def _hidden(part: _Part, words: frozenset[str]) -> frozenset[str]:
    """The words that stand in base64 in a document."""
    return words & {
        proper(one)
        for token in part.tokens
        if not ANY_CASE.fullmatch(token)
        for one in ANY_CASE.findall(from_base64(token) or "")
    }


def _varies(token: str) -> bool:
    return _DIGEST.fullmatch(token) is not None or ANY_CASE.search(from_base64(token) or "") is not None


def _replaced(token: str, words: frozenset[str], text: str) -> str | None:
    """What a token in base64 says with the text in the place of the words; None where it has none of them."""
    said = None if ANY_CASE.fullmatch(token) else from_base64(token)
    standing = words & set(WORD.findall(said or ""))
    return re.sub("|".join(sorted(standing)), lambda _: text, said) if said and standing else None


def _encoded(after: str, position: int, token: str, piece: str, expected: str | None) -> str | None:
    """A token in base64, or a checksum, as it stands now; None where it does not say what it ought to."""
    match = _ENCODED.match(after, position)
    if match is None or not after.startswith(piece, match.end()):
        return None
    same = expected is None and (match[0] == token or _DIGEST.fullmatch(token) is not None)
    return match[0] if same or (expected is not None and from_base64(match[0]) == expected) else None


def _capture(after: str, position: int, token: str, piece: str, text: str | None) -> str | None:
    if text is None:
        return token if after.startswith(token + piece, position) else None
    for spelling in spellings(text):
        if after.startswith(spelling + piece, position):
            return spelling
    end = after.find(piece, position) if piece else -1
    return after[position:end] if end >= 0 else None


def _split(text: str) -> list[str]:
    """The documents of a template's output as text, each with the line that begins it."""
    starts = [0, *(match.start() for match in _DOCUMENT.finditer(text) if match.start())]
    return [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]


def _read(text: str) -> tuple[object, ...]:
    try:
        return read_documents(text)
    except YamlFault:
        return ()
