"""Values that only a part which is switched off would read: switches are turned, and what then comes to life is told.

First the switches beside and above a leaf are turned on; then everything that is off, as far as the chart still
renders; then one switch at a time; then empty values are filled; then the other modes are tried; at last what is on is
switched off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from floe_charts.errors import HelmError
from floe_charts.helm.kubernetes import field_path
from floe_charts.verify.dead_trial import Trial
from floe_charts.verify.values import Path, Values, get_at, helm_merge, leaves, override_at

__all__ = ["Living", "Reveal", "alternatives_of"]

Living = Callable[[Trial, Sequence[Path]], set[Path]]
"""Tries leaves in a trial, side by side; the ones that show life."""

MAX_RENDERS = 160
"""So many renders are spent on one set of values; leaves that are not reached by then stay undecided."""


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
        self._found: dict[Path, str] = {}
        full = self._complete(self._trial.merged)
        switches = {path: value for path, value in leaves(full) if isinstance(value, bool)}
        off = [path for path, value in switches.items() if not value]
        chains = {path: _chain(path, off) for path in dead}
        base = self._trial.values
        likeliest = {path: _likeliest(chain) for path, chain in chains.items()}
        self._note_each(base, likeliest)
        self._note_each(base, chains)
        everything = self._settled(base, dict.fromkeys(off, True))
        self._note(everything, dead, "more is switched on")
        above = sorted({switch for path in _without(dead, self._found) for switch in chains[path]})
        near = self._settled(base, dict.fromkeys(above, True))
        for switch in off:
            if switch not in above:
                said = f"{field_path(switch)} is true"
                self._note_below(near, switch, True, dead, said)
        filled = dict(_fillings(full))
        self._note(self._settled(everything, filled), dead, "other values are not empty")
        self._note(self._settled(near, filled), dead, "other values are not empty")
        for path, value in self._modes(_without(dead, self._found)):
            self._note_below(near, path, value, dead, f"{field_path(path)} is {value}")
        on = {path: False for path, value in switches.items() if value and _near(path, _without(dead, self._found))}
        self._note(self._settled(base, on), dead, "something else is switched off")
        return {path: self._found[path] for path in dead if path in self._found}

    def _note_each(self, values: Values, chains: Mapping[Path, tuple[Path, ...]]) -> None:
        """Turn on the switches of all leaves together, and note for each that comes to life its own."""
        every = sorted({switch for chain in chains.values() for switch in chain})
        leaves_of = [path for path, chain in chains.items() if chain and path not in self._found]
        for path in self._alive_in(self._settled(values, dict.fromkeys(every, True)), leaves_of):
            said = " and ".join(field_path(switch) for switch in chains[path])
            self._found[path] = f"{said} {'is' if len(chains[path]) == 1 else 'are'} true"

    def _note_below(self, values: Values, path: Path, value: object, dead: Sequence[Path], said: str) -> None:
        """Change one value, and note ``said`` for the leaves below the same key of the top that come to life.

        A value at the top itself may be about all leaves.
        """
        related = [leaf for leaf in _without(dead, self._found) if len(path) == 1 or leaf[0] == path[0]]
        if related and self.renders <= MAX_RENDERS:
            self._note(self._settled(values, {path: value}), related, said)

    def _note(self, values: Values, dead: Sequence[Path], said: str) -> None:
        """Note ``said`` for the leaves that come to life with ``values``."""
        self._found |= dict.fromkeys(self._alive_in(values, _without(dead, self._found)), said)

    def _modes(self, dead: Sequence[Path]) -> list[tuple[Path, object]]:
        """The other modes, those first that stand near the dead leaves."""
        every = [(path, value) for path, values in self._alternatives.items() for value in values]
        far = [one for one in every if not _near(one[0], dead)]
        return [*(one for one in every if one not in far), *far]

    def _alive_in(self, values: Values, dead: Sequence[Path]) -> set[Path]:
        if not dead or values == self._trial.values or self.renders > MAX_RENDERS:
            return set()
        try:
            trial = self._make(values)
        except HelmError:
            return set()
        found = self._living(trial, dead)
        self.renders += trial.renders
        return found

    def _settled(self, values: Values, changes: Mapping[Path, object]) -> Values:
        """The values with as many of the changes as Helm takes together."""
        if not changes or self.renders > MAX_RENDERS:
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


def _chain(path: Path, off: Sequence[Path]) -> tuple[Path, ...]:
    """The switches whose map a leaf is in, from the top down."""
    return tuple(switch for switch in off if len(switch) > 1 and path[: len(switch) - 1] == switch[:-1])


def _likeliest(chain: tuple[Path, ...]) -> tuple[Path, ...]:
    """Of the switches beside and above a leaf those that switch a whole part by their name."""
    return tuple(switch for switch in chain if str(switch[-1]) in {"enabled", "create", "install"})


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
