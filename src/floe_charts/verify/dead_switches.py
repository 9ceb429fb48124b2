"""Values that only a part which is switched off would read: switches are turned, and what then comes to life is told.

First everything that is off is switched on, as far as the chart still renders; then empty values are filled; then the
other modes are tried, one at a time; at last what is on is switched off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from floe_charts.errors import HelmError
from floe_charts.helm.kubernetes import field_path
from floe_charts.verify.dead_trial import Trial
from floe_charts.verify.engine import RenderError, ValuesRefused
from floe_charts.verify.values import Path, Values, get_at, helm_merge, leaves, override_at

__all__ = ["Living", "Reveal", "alternatives_of"]

Living = Callable[[Trial, Sequence[Path]], set[Path]]
"""Tries leaves in a trial, side by side; the ones that show life."""

MAX_MODES = 24
MAX_CHAINS = 40


class Reveal:
    """Finds out under which other values leaves would be read that nothing reads now."""

    def __init__(
        self,
        trial: Trial,
        make: Callable[[Values], Trial],
        complete: Callable[[Values], Values],
        alternatives: Mapping[Path, Sequence[object]],
        living: Living,
    ) -> None:
        """``make`` starts a trial with other values, ``complete`` adds the defaults of subcharts to values.

        ``alternatives`` are the other values of leaves that choose a mode.
        """
        self._trial = trial
        self._make = make
        self._complete = complete
        self._alternatives = alternatives
        self._living = living
        self.renders = 0

    def conditions(self, dead: Sequence[Path]) -> dict[Path, str]:
        """What must be otherwise for a leaf to be read, in words; leaves that stay dead are not in it."""
        found: dict[Path, str] = {}
        full = self._complete(self._trial.merged)
        switches = {path: value for path, value in leaves(full) if isinstance(value, bool)}
        off = [path for path, value in switches.items() if not value]
        everything = self._settled(self._trial.values, {path: True for path in off})
        for path in self._alive_in(everything, dead):
            found[path] = ""
        self._name(found, off, switches)
        filled = self._settled(everything, dict(_fillings(full)))
        found |= {path: "other values are not empty" for path in self._alive_in(filled, _without(dead, found))}
        for path, value in self._modes(_without(dead, found)):
            left = _without(dead, found)
            other = self._settled(everything, {path: value})
            said = f"{field_path(path)} is {value}"
            found |= {leaf: said for leaf in self._alive_in(other, left)}
        on = {path: False for path, value in switches.items() if value and _near(path, _without(dead, found))}
        inverse = self._settled(self._trial.values, on)
        found |= {path: "something else is switched off" for path in self._alive_in(inverse, _without(dead, found))}
        return {path: found[path] for path in dead if path in found}

    def _name(self, found: dict[Path, str], off: Sequence[Path], switches: Mapping[Path, bool]) -> None:
        """Say which switch it is: those whose map the leaf is in, if they alone bring it to life."""
        chains: dict[tuple[Path, ...], list[Path]] = {}
        for path in found:
            chain = tuple(switch for switch in off if path[: len(switch) - 1] == switch[:-1] and len(switch) > 1)
            chains.setdefault(chain, []).append(path)
        for path in found:
            found[path] = "more is switched on"
        for number, (chain, group) in enumerate(chains.items()):
            for tried in _narrowed(chain) if number < MAX_CHAINS else ():
                values = self._settled(self._trial.values, dict.fromkeys(tried, True))
                said = " and ".join(f"{field_path(switch)}" for switch in tried)
                for path in self._alive_in(values, [path for path in group if found[path] == "more is switched on"]):
                    found[path] = f"{said} {'is' if len(tried) == 1 else 'are'} true"

    def _modes(self, dead: Sequence[Path]) -> list[tuple[Path, object]]:
        """The other modes, those first that stand near the dead leaves."""
        every = [(path, value) for path, values in self._alternatives.items() for value in values]
        far = [one for one in every if not _near(one[0], dead)]
        return [*(one for one in every if one not in far), *far][:MAX_MODES]

    def _alive_in(self, values: Values, dead: Sequence[Path]) -> set[Path]:
        if not dead or values == self._trial.values:
            return set()
        try:
            trial = self._make(values)
        except (RenderError, ValuesRefused):
            return set()
        found = self._living(trial, dead)
        self.renders += trial.renders
        return found

    def _settled(self, values: Values, changes: Mapping[Path, object]) -> Values:
        """The values with as many of the changes as Helm takes together."""
        if not changes:
            return values
        tried = self._changed(values, changes)
        if self._renders(tried):
            return tried
        if len(changes) == 1:
            return values
        items = list(changes.items())
        half = len(items) // 2
        return self._settled(self._settled(values, dict(items[:half])), dict(items[half:]))

    def _changed(self, values: Values, changes: Mapping[Path, object]) -> Values:
        merged = helm_merge(self._trial.defaults, values)
        for path, value in changes.items():
            values = override_at(values, merged, path, value)
        return values

    def _renders(self, values: Values) -> bool:
        self.renders += 1
        try:
            self._trial.render(values)
        except HelmError:
            return False
        return True


def _narrowed(chain: tuple[Path, ...]) -> Iterator[tuple[Path, ...]]:
    """The switches that may be meant, the likeliest first: those called ``enabled`` or ``create``, then all."""
    if not chain:
        return
    usual = tuple(switch for switch in chain if str(switch[-1]) in {"enabled", "create", "install"})
    if usual:
        yield usual[-1:]
        yield usual
    yield from ((switch,) for switch in chain[::-1][:4] if switch not in usual)
    yield chain


def _fillings(values: Values) -> Iterable[tuple[Path, object]]:
    for path, value in leaves(values):
        if value == "" or value is None:
            yield path, "witness"
        elif value == [] and isinstance(value, list):
            yield path, ["witness"]


def _near(path: Path, dead: Sequence[Path]) -> bool:
    return any(leaf[: len(path) - 1] == path[:-1] for leaf in dead)


def _without(dead: Sequence[Path], found: Mapping[Path, str]) -> list[Path]:
    return [path for path in dead if path not in found]


def alternatives_of(values: Values, named: Mapping[Path, Sequence[str]]) -> dict[Path, list[object]]:
    """The other values that templates compare a text with, for texts that the values have."""
    found: dict[Path, list[object]] = {}
    for path, options in sorted(named.items()):
        here = get_at(values, path)
        if isinstance(here, str):
            others = [option for option in dict.fromkeys(options) if option != here]
            found[path] = list(others)
    return found
