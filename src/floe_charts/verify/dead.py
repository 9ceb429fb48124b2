"""Which values change nothing when they are changed?

A leaf is alive if in any case (a values file, say) changing it changes what Helm renders, or if a template fails or a
subchart's schema refuses then, for that means that it is read. Three steps, the cheap ones first:

1. texts and whole numbers get a witness of their own all at once, and those whose witness comes out are alive;
2. the rest is changed one by one, with up to four values that the schema accepts;
3. what was dead in one case is changed in groups in the next ones: a group that changes nothing is dead as a whole, any
   other is halved.

Renders run in threads: Helm works outside Python's lock.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from floe_charts.errors import HelmError, nearest
from floe_charts.helm.kubernetes import field_path
from floe_charts.verify.engine import ChartHandle, RenderError, ValuesRefused
from floe_charts.verify.findings import Finding
from floe_charts.verify.json_schema import CompiledSchema
from floe_charts.verify.subject import Case
from floe_charts.verify.values import MISSING, Path, Values, get_at, helm_merge, leaves, override_at, set_at
from floe_charts.verify.witnesses import other_values

__all__ = ["DeadReport", "find_dead_values"]

_GROUP = 24
_SMALLEST_BATCH = 8
_WITNESS = re.compile(r"wz[0-9]{6}q|(?<![0-9.])[0-9]{4,7}(?![0-9.])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DeadReport:
    """What :func:`find_dead_values` found.

    ``unchangeable`` are leaves for which the schema takes no other value (a constant): nobody can set them in vain.
    ``unstable`` are templates that give another output at each render (a random password, a date); they cannot tell
    what is alive and were left out. ``renders`` counts how often Helm was asked.
    """

    dead: tuple[Path, ...]
    alive: tuple[Path, ...]
    unchangeable: tuple[Path, ...]
    unstable: tuple[str, ...]
    renders: int

    def findings(self, where: str = "values.yaml") -> list[Finding]:
        """One finding for each dead leaf, with the living one that looks most like it."""
        living = [field_path(path) for path in self.alive]
        found = []
        for path in self.dead:
            name = field_path(path)
            near = nearest(name, living)
            message = f"{name} changes nothing: no template reads it"
            hint = f"did you mean {near}?" if near else "take it away"
            found.append(Finding("dead-values", message, where=where, path=name, hint=hint))
        return found


def find_dead_values(
    chart: ChartHandle,
    cases: Sequence[Case] = (Case("defaults", {}),),
    paths: Iterable[Path] | None = None,
    *,
    schema: Mapping[str, object] | None = None,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> DeadReport:
    """Change each leaf, in one case after the other until it shows life; what never does is dead.

    ``paths`` are the leaves to try (default: those of the chart's values and of all cases), ``schema`` says which
    values are allowed (default: the chart's own). ``progress`` is told how many leaves are decided, and of how many.
    Raises RenderError or ValuesRefused where a case does not render as it is.
    """
    schema = chart.schema if schema is None else schema
    compiled = CompiledSchema(schema) if schema is not None else None
    merged = [helm_merge(chart.values, values) for _, values in cases]
    wanted = list(dict.fromkeys(paths if paths is not None else _all_leaves(merged)))
    open_ = {path: _known_value(merged, path) for path in wanted}
    alive: list[Path] = []
    fixed: set[Path] = set(wanted)
    unstable: set[str] = set()
    renders = 0
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        for number, (name, values) in enumerate(cases):
            if not open_:
                break
            trial = _Trial(chart, name, values, compiled, open_)
            living = trial.by_batch() if number == 0 else set()
            left = [path for path in open_ if path not in living]
            size = 1 if number == 0 else _GROUP
            groups = [left[start : start + size] for start in range(0, len(left), size)]
            for decided, found in enumerate(pool.map(trial.living, groups), 1):
                living |= found
                if progress is not None:
                    progress(len(wanted) - len(left) + min(decided * size, len(left)), len(wanted))
            alive += [path for path in open_ if path in living]
            fixed -= trial.changeable
            unstable |= trial.unstable
            renders += trial.renders
            open_ = {path: value for path, value in open_.items() if path not in living}
    dead = tuple(path for path in open_ if path not in fixed)
    return DeadReport(
        dead, tuple(alive), tuple(path for path in open_ if path in fixed), tuple(sorted(unstable)), renders
    )


def _all_leaves(merged: Sequence[Values]) -> list[Path]:
    return [path for values in merged for path, _ in leaves(values)]


def _known_value(merged: Sequence[Values], path: Path) -> object:
    """The leaf's value in the first case that has it."""
    return next((found for values in merged if (found := get_at(values, path)) is not MISSING), None)


class _Trial:
    """One case, in which leaves are changed."""

    def __init__(
        self, chart: ChartHandle, name: str, values: Values, schema: CompiledSchema | None, known: Mapping[Path, object]
    ) -> None:
        self._chart = chart
        self._values = values
        self._schema = schema
        self._merged = helm_merge(chart.values, values)
        self._known = known
        self.changeable: set[Path] = set()
        self.renders = 2
        try:
            self._before = chart.render(values)
            again = chart.render(values)
        except (RenderError, ValuesRefused) as error:
            raise type(error)(f"{name}: {error}") from error
        self.unstable = {
            template for template in {*self._before, *again} if self._before.get(template) != again.get(template)
        }

    def by_batch(self) -> set[Path]:
        """The leaves whose witness comes out when all texts and whole numbers have one of their own."""
        taken = set(_WITNESS.findall(self._text(self._before)))
        numbers = (number for number in range(1009, 10**6) if str(number) not in taken)
        given: dict[Path, tuple[str, object]] = {}
        for count, path in enumerate(self._known):
            value = self._value(path)
            witness: object = f"wz{count:06d}q" if isinstance(value, str) else next(numbers)
            if isinstance(value, str | int) and not isinstance(value, bool) and self._accepts(path, witness):
                given[path] = (str(witness), witness)
        self.changeable |= set(given)
        return self._batch(given)

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
        seen = {token.lower() for token in _WITNESS.findall(self._text(output))}
        return {path for path, (token, _) in given.items() if token in seen}

    def living(self, group: Sequence[Path]) -> set[Path]:
        """The leaves of a group that show life."""
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
        return other_values(schema, path, self._value(path), lambda value: self._accepts(path, value))

    def _value(self, path: Path) -> object:
        here = get_at(self._merged, path)
        return self._known[path] if here is MISSING else here

    def _accepts(self, path: Path, value: object) -> bool:
        return self._schema is None or self._schema.accepts(set_at(self._merged, path, value))

    def _render(self, changed: Mapping[Path, object]) -> dict[str, str] | None:
        """What comes out with the changes, or None where Helm refuses them."""
        values: Values = self._values
        for path, value in changed.items():
            values = override_at(values, self._merged, path, value)
        self.renders += 1
        try:
            return self._chart.render(values)
        except (RenderError, ValuesRefused):
            return None
        except HelmError as error:
            raise HelmError(f"while {', '.join(map(field_path, changed))} was changed: {error}") from error

    def _same(self, output: Mapping[str, str]) -> bool:
        if not self.unstable:
            return output == self._before
        return _without(output, self.unstable) == _without(self._before, self.unstable)

    def _text(self, output: Mapping[str, str]) -> str:
        return "\n".join(output.values())


def _without(output: Mapping[str, str], left_out: Collection[str]) -> dict[str, str]:
    return {template: text for template, text in output.items() if template not in left_out}
