"""Values that only a part which is switched off would read: switches are turned, and what then comes to life is told.

First the switches beside and above a leaf are turned on; then the other modes are tried; then everything that is off is
turned on, as far as the chart still renders, and for what then lives the one switch that does it is looked for; then
the other switches are turned one at a time; then empty values are filled; at last what is on is switched off. A
condition that names values was tried with these alone, so that it is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache

from floe_charts.errors import HelmError
from floe_charts.helm.kubernetes import field_path
from floe_charts.verify.dead_trial import Trial
from floe_charts.verify.values import MISSING, Path, Values, get_at, helm_merge, leaves, override_at

__all__ = ["Living", "Reveal", "alternatives_of"]

Living = Callable[[Trial, Sequence[Path]], set[Path]]
"""Tries leaves in a trial, side by side; the ones that show life."""

Speakers = Callable[[Path], frozenset[str]]
Chain = tuple[Path, ...]

MAX_RENDERS = 600
"""So many renders are spent on the sets of values together, and a tenth of them on each at least.

Leaves that are not reached by then stay undecided.
"""


class Reveal:
    """Finds out under which other values leaves would be read that nothing reads now."""

    def __init__(
        self,
        trial: Trial,
        make: Callable[[Values], Trial],
        complete: Callable[[Values], Values],
        alternatives: Mapping[Path, Sequence[object]],
        living: Living,
        speakers: Speakers,
        spent: int = 0,
    ) -> None:
        """``make`` starts a trial with other values, ``complete`` adds the defaults of subcharts to values.

        ``alternatives`` are the other values of leaves that choose a mode. ``speakers`` gives the templates that speak
        of a leaf: what chooses between parts of a template stands in it. ``spent`` is how often Helm was asked for
        other sets of values.
        """
        self._trial = trial
        self._make = make
        self._complete = complete
        self._alternatives = alternatives
        self._living = living
        self._speakers = cache(speakers)
        self._budget = max(MAX_RENDERS - spent, MAX_RENDERS // 10)
        self.renders = 0

    def conditions(self, dead: Sequence[Path]) -> dict[Path, str]:
        """Under which other values a leaf is read, in words; leaves that stay dead are not in it."""
        self._found: dict[Path, str] = {}
        base = self._trial.values
        full = self._complete(self._trial.merged)
        switches = {path: value for path, value in leaves(full) if isinstance(value, bool)}
        off = [path for path, value in switches.items() if not value]
        self._chains = {path: _chain(path, off) for path in dead}
        likeliest = {path: _likeliest(chain) for path, chain in self._chains.items()}
        self._by_own_switches(likeliest)
        self._by_own_switches({path: chain for path, chain in self._chains.items() if chain != likeliest[path]})
        self._by_one_change([(path, one) for path, values in self._alternatives.items() for one in values], dead)
        everything = self._settled(base, dict.fromkeys(off, True))
        lit = self._alive_in(everything, self._left(dead))
        turned = [(switch, True) for switch in off]
        self._by_one_change(turned, [path for path in dead if path in lit])
        self._found |= dict.fromkeys((path for path in self._left(dead) if path in lit), "more is switched on")
        self._by_one_change(turned, dead)
        left = self._left(dead)
        above = sorted({switch for path in left for switch in self._chains[path]})
        filled = {path: value for path, value in _fillings(full) if any(self._related(path, leaf) for leaf in left)}
        for values in (everything, self._settled(base, dict.fromkeys(above, True))):
            self._note(self._settled(values, filled), dead, "other values are not empty")
        on = {path: False for path, value in switches.items() if value and _near(path, self._left(dead))}
        self._note(self._settled(base, on), dead, "something else is switched off")
        return {path: self._found[path] for path in dead if path in self._found}

    def _by_own_switches(self, chains: Mapping[Path, Chain]) -> None:
        """Turn on the switches of all leaves together; what comes to life is tried with its own alone."""
        every = sorted({switch for chain in chains.values() for switch in chain})
        lit = self._alive_in(
            self._settled(self._trial.values, dict.fromkeys(every, True)), [path for path in chains if chains[path]]
        )
        for chain, paths in _grouped(self._left([path for path in chains if path in lit]), chains):
            changes = dict.fromkeys(chain, True)
            self._note(self._changed(self._trial.values, changes), paths, _said(changes))

    def _by_one_change(self, changes: Iterable[tuple[Path, object]], dead: Sequence[Path]) -> None:
        """Change one value after the other, and turn on the switches of what it may be about.

        Those that the chart itself has come first, before those of its subcharts, and of them those that may be about
        most leaves.
        """
        about = [
            (path, value, [leaf for leaf in self._left(dead) if self._related(path, leaf)]) for path, value in changes
        ]
        for path, value, paths in sorted(about, key=self._likelihood):
            paths = self._left(paths)
            start = self._changed(self._trial.values, {path: value})
            if not paths or self.renders > self._budget or not self._renders(start):
                continue
            above = sorted({switch for leaf in paths for switch in self._chains[leaf] if switch != path})
            lit = self._alive_in(self._settled(start, dict.fromkeys(above, True)), paths)
            for chain, leaves_of in _grouped([leaf for leaf in paths if leaf in lit], self._chains):
                if chain:
                    # Among all others, its own switches may have been passed over.
                    alone = dict.fromkeys(chain, True)
                    self._note(self._changed(self._trial.values, alone), leaves_of, _said(alone))
                together = {**dict.fromkeys(chain, True), path: value}
                if above:
                    self._note(self._changed(self._trial.values, together), leaves_of, _said(together))
                more = " and more is switched on" if above else ""
                self._found |= dict.fromkeys(self._left(leaves_of), f"{_said(together)}{more}")

    def _likelihood(self, change: tuple[Path, object, list[Path]]) -> tuple[bool, int]:
        path, _, paths = change
        return get_at(self._trial.merged, path) is MISSING, -len(paths)

    def _related(self, path: Path, leaf: Path) -> bool:
        """Whether one template speaks of both; of what none speaks by name, those of one part are related."""
        ours, theirs = self._speakers(path), self._speakers(leaf)
        if path == leaf:
            return False
        return bool(ours & theirs) if ours and theirs else path[0] == leaf[0]

    def _note(self, values: Values, dead: Sequence[Path], said: str) -> None:
        """Note ``said`` for the leaves that come to life with ``values``."""
        self._found |= dict.fromkeys(self._alive_in(values, self._left(dead)), said)

    def _left(self, dead: Iterable[Path]) -> list[Path]:
        return [path for path in dead if path not in self._found]

    def _alive_in(self, values: Values, dead: Sequence[Path]) -> set[Path]:
        if not dead or values == self._trial.values or self.renders > self._budget:
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
        if not changes or self.renders > self._budget:
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


def _chain(path: Path, off: Sequence[Path]) -> Chain:
    """The switches whose map a leaf is in, from the top down; a switch is none of its own."""
    return tuple(
        switch for switch in off if len(switch) > 1 and path[: len(switch) - 1] == switch[:-1] and switch != path
    )


def _grouped(paths: Iterable[Path], chains: Mapping[Path, Chain]) -> Iterator[tuple[Chain, list[Path]]]:
    """The leaves that have the same switches, together."""
    groups: dict[Chain, list[Path]] = {}
    for path in paths:
        groups.setdefault(chains[path], []).append(path)
    yield from groups.items()


def _said(changes: Mapping[Path, object]) -> str:
    """``web.enabled is true and web.mode is b``."""
    return " and ".join(
        f"{field_path(path)} is {'true' if value is True else value}" for path, value in changes.items()
    )


def _likeliest(chain: Chain) -> Chain:
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


def alternatives_of(values: Values, named: Mapping[Path, Sequence[str]]) -> dict[Path, list[object]]:
    """The other values that templates compare a text with, for texts that the values have."""
    found: dict[Path, list[object]] = {}
    for path, options in sorted(named.items()):
        here = get_at(values, path)
        if isinstance(here, str):
            others = [option for option in dict.fromkeys(options) if option != here]
            found[path] = list(others)
    return found
