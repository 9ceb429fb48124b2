"""One set of values in which leaves are changed, to see what Helm makes of it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial

from floe_charts.errors import HelmError
from floe_charts.helm.kubernetes import field_path
from floe_charts.verify.engine import RenderError, ValuesRefused
from floe_charts.verify.json_schema import CompiledSchema
from floe_charts.verify.values import MISSING, Path, Values, get_at, helm_merge, override_at, set_at
from floe_charts.verify.witnesses import other_values

__all__ = ["Render", "Runner", "Trial"]

Render = Callable[[Values], dict[str, str]]
"""What each template gives with values over the chart's defaults; raises RenderError or ValuesRefused."""

Batch = Mapping[Path, object]
Runner = Callable[[Callable[[Batch], set[Path]], Sequence[Batch]], Iterable[set[Path]]]
"""Maps a function over batches of changes, side by side perhaps."""

_SMALLEST_BATCH = 8
_WORTH_ANOTHER_TURN = 0.25
_WITNESS = re.compile(r"wz[0-9]{6}q|(?<![0-9A-Za-z.])[0-9]{4,7}(?![0-9A-Za-z.])", re.IGNORECASE)


class Trial:
    """The values of one case, over the chart's defaults.

    ``known`` gives a value for leaves that this case does not have, ``options`` values worth trying. ``changeable``
    gathers the leaves for which the schema takes another value, ``renders`` counts how often Helm was asked. Lines that
    differ between two plain renders (a random password, a date) say nothing and are left out; ``unstable`` are the
    templates that have such lines, ``lost`` those of them whose lines cannot be compared at all.
    """

    def __init__(
        self,
        render: Render,
        defaults: Values,
        name: str,
        values: Values,
        schema: CompiledSchema | None,
        known: Mapping[Path, object],
        options: Mapping[Path, Sequence[object]] | None = None,
    ) -> None:
        """Render twice; raise RenderError or ValuesRefused, with the case's name, where that fails."""
        self.render = render
        self.defaults = defaults
        self.name = name
        self.values = values
        self._schema = schema
        self.merged = helm_merge(defaults, values)
        self._known = known
        self._options = options or {}
        self.changeable: set[Path] = set()
        self.renders = 2
        try:
            self._before = render(values)
            again = render(values)
        except (RenderError, ValuesRefused) as error:
            raise type(error)(f"{name}: {error}") from error
        self._masks = {
            template: _differing_lines(self._before.get(template, ""), again.get(template, ""))
            for template in sorted({*self._before, *again})
            if self._before.get(template) != again.get(template)
        }

    @property
    def unstable(self) -> set[str]:
        """The templates that give another output at each render."""
        return set(self._masks)

    @property
    def lost(self) -> set[str]:
        """The unstable templates of which even the number of lines differs."""
        return {template for template, mask in self._masks.items() if mask is None}

    @property
    def giving(self) -> set[str]:
        """The templates that give anything here."""
        return {name for name, text in self._before.items() if text.strip()}

    def by_batch(self, paths: Iterable[Path]) -> set[Path]:
        """The leaves whose witness comes out when all of them have one of their own.

        What is empty has its turn after the rest, lest something be read only because something else was filled; lists
        and maps have theirs after texts and numbers, because they break a render sooner.
        """
        taken = set(_WITNESS.findall("\n".join(self._before.values())))
        numbers = (number for number in range(1009, 10**6) if str(number) not in taken)
        turns: list[dict[Path, tuple[str, object]]] = [{}, {}, {}, {}]
        for count, path in enumerate(paths):
            value = self.value(path)
            token = f"wz{count:06d}q"
            nested = isinstance(value, Mapping | list)
            witness: object = token
            if nested:
                witness = _with_token(value, token)
            elif isinstance(value, int) and not isinstance(value, bool):
                witness = next(numbers)
                token = str(witness)
            elif not isinstance(value, str):
                continue
            if self._accepts(path, witness):
                turns[2 * (not value) + nested][path] = (token, witness)
        found: set[Path] = set()
        for given in turns:
            self.changeable |= set(given)
            found |= self._batch(given)
        return found

    def _batch(self, given: Mapping[Path, tuple[str, object]]) -> set[Path]:
        if not given:
            return set()
        output = self._render({path: witness for path, (_, witness) in given.items()})
        if output is None:
            # One of them breaks the render; few are left to the next step, where each is alone.
            if len(given) <= _SMALLEST_BATCH:
                return set()
            items = list(given.items())
            half = len(items) // 2
            return self._batch(dict(items[:half])) | self._batch(dict(items[half:]))
        text = "\n".join(output.values())
        seen = {token.lower() for token in _WITNESS.findall(text)}
        return {path for path, (token, _) in given.items() if token in seen or _in_base64(token, text)}

    def by_template(self, paths: Iterable[Path], speakers: Callable[[Path], frozenset[str]], run: Runner) -> set[Path]:
        """The leaves that change a template which speaks of them.

        Leaves of which no template speaks together are changed in one render: which of the templates changed tells them
        apart. ``speakers`` gives the templates that speak of a leaf, ``run`` maps a function over batches. When few
        come to life with one value, most of the others are dead, and no further value is tried here.
        """
        spoken = {path: speakers(path) for path in paths}
        others = {path: self._others(path) for path in spoken if spoken[path]}
        self.changeable |= {path for path, values in others.items() if values}
        found: set[Path] = set()
        for turn in range(max(map(len, others.values()), default=0)):
            still = {path: values[turn] for path, values in others.items() if path not in found and turn < len(values)}
            batches = [{path: still[path] for path in batch} for batch in _apart(still, spoken)]
            alive = set[Path]().union(*run(partial(self._changing, spoken=spoken), batches))
            found |= alive
            if len(alive) < _WORTH_ANOTHER_TURN * len(still):
                break
        return found

    def _changing(self, changed: Mapping[Path, object], spoken: Mapping[Path, frozenset[str]]) -> set[Path]:
        output = self._render(changed)
        if output is not None:
            names = {name for name in {*output, *self._before} if not self._same_template(name, output)}
            return {path for path in changed if spoken[path] & names}
        if len(changed) == 1:
            return set(changed)
        items = list(changed.items())
        half = len(items) // 2
        return self._changing(dict(items[:half]), spoken) | self._changing(dict(items[half:]), spoken)

    def living(self, group: Sequence[Path]) -> set[Path]:
        """The leaves of a group that show life: what comes out changes, or a template or a schema refuses."""
        others = {path: self._others(path) for path in group}
        self.changeable |= {path for path, values in others.items() if values}
        found: set[Path] = set()
        for turn in range(max(map(len, others.values()), default=0)):
            still = {path: values[turn] for path, values in others.items() if path not in found and turn < len(values)}
            found |= self._probe(still)
        return found

    def _probe(self, changed: Mapping[Path, object]) -> set[Path]:
        if not changed:
            return set()
        output = self._render(changed)
        if output is not None and self._same(output):
            return set()
        if len(changed) == 1:
            return set(changed)
        items = list(changed.items())
        half = len(items) // 2
        return self._probe(dict(items[:half])) | self._probe(dict(items[half:]))

    def _others(self, path: Path) -> list[object]:
        schema = self._schema.schema if self._schema is not None else None
        value = self.value(path)
        named = [one for one in self._options.get(path, ()) if one != value and self._accepts(path, one)]
        return [*named[:4], *other_values(schema, path, value, lambda other: self._accepts(path, other))]

    def value(self, path: Path) -> object:
        """The leaf's value here, or else the known one."""
        here = get_at(self.merged, path)
        return self._known.get(path) if here is MISSING else here

    def with_changes(self, changed: Mapping[Path, object]) -> Values:
        """The values of this case with some leaves changed."""
        values: Values = self.values
        for path, value in changed.items():
            values = override_at(values, self.merged, path, value)
        return values

    def _accepts(self, path: Path, value: object) -> bool:
        return self._schema is None or self._schema.accepts(set_at(self.merged, path, value))

    def _render(self, changed: Mapping[Path, object]) -> dict[str, str] | None:
        """What comes out with the changes, or None where Helm refuses them."""
        self.renders += 1
        try:
            return self.render(self.with_changes(changed))
        except (RenderError, ValuesRefused):
            return None
        except HelmError as error:
            raise HelmError(f"while {', '.join(map(field_path, changed))} was changed: {error}") from error

    def _same(self, output: Mapping[str, str]) -> bool:
        return output == self._before or all(self._same_template(name, output) for name in {*output, *self._before})

    def _same_template(self, name: str, output: Mapping[str, str]) -> bool:
        if name not in output or name not in self._before:
            return False
        return output[name] == self._before[name] or self._same_but_for_mask(name, output[name])

    def _same_but_for_mask(self, template: str, text: str) -> bool:
        if template not in self._masks:
            return False
        mask = self._masks[template]
        if mask is None:
            return True
        before, after = self._before[template].splitlines(), text.splitlines()
        return len(before) == len(after) and all(
            one == other or number in mask for number, (one, other) in enumerate(zip(before, after, strict=True))
        )


def _in_base64(token: str, text: str) -> bool:
    """Whether a text stands in the data of a Secret."""
    return token.startswith("wz") and base64.b64encode(token.encode()).decode().rstrip("=") in text


def _apart(paths: Iterable[Path], spoken: Mapping[Path, frozenset[str]]) -> list[list[Path]]:
    """The leaves in batches within which no two are spoken of by one template."""
    batches: list[tuple[list[Path], set[str]]] = []
    for path in paths:
        for batch, names in batches:
            if not names & spoken[path]:
                batch.append(path)
                names |= spoken[path]
                break
        else:
            batches.append(([path], set(spoken[path])))
    return [batch for batch, _ in batches]


def _differing_lines(one: str, other: str) -> Collection[int] | None:
    """The numbers of the lines in which two texts differ; None where their lines cannot be compared."""
    first, second = one.splitlines(), other.splitlines()
    if len(first) != len(second):
        return None
    return frozenset(number for number, pair in enumerate(zip(first, second, strict=True)) if pair[0] != pair[1])


def _with_token(value: object, token: str) -> object:
    """A list or map like ``value`` that has the token in it: instead of each text, or as something more."""
    if isinstance(value, Mapping):
        return {**value, token: token}
    if not isinstance(value, list):
        return token
    last = value[-1] if value else None
    if isinstance(last, Mapping):
        return [*value[:-1], {key: token if isinstance(below, str) else below for key, below in last.items()}]
    return [*value, token]
