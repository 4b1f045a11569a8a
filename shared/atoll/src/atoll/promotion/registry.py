"""Versions of models and what was decided about them, as immutable documents in the store's journal."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from pydantic import TypeAdapter

from atoll.errors import UserError
from atoll.storage.journal import Journal
from atoll.storage.manifest import Manifest

Outcome = Literal["promoted", "refused", "sample", "rolled back"]
FOLDER, PENDING, SENT = "models", "models/pending", "models/sent"
# The profile whose models are registered in MLflow.
FULL = "full"


@dataclass(frozen=True)
class Version:
    """A model that was judged: its number, from 1, and the artefact that it is.

    ``artefact`` is the path of its folder in the store; the manifest says what it was made from and by.
    """

    number: int
    artefact: str
    manifest: Manifest


@dataclass(frozen=True)
class Decision:
    """What was decided, once and for all.

    ``partition`` is that of the challenger, None where there is none. ``challenger`` is the version that was judged or
    rolled back to, ``before`` the champion until then and ``champion`` the one from then on; None where there is none.
    ``held_out`` is the data version of the rows that both were judged by. ``asked`` says who or what asked: ``by``
    (``schedule``, ``sensor``, ``automation``, ``backfill``, ``page`` or ``command``), its ``name``, and the ``run_id``.
    """

    number: int
    outcome: Outcome
    time: datetime
    partition: str | None
    challenger: int
    before: int | None
    champion: int | None
    reason: str
    held_out: str | None = None
    figures: dict[str, Any] = field(default_factory=dict)
    rule: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)

    @property
    def moves(self) -> bool:
        """Whether it made its challenger champion; a refusal leaves the champion to whatever else was decided."""
        return self.challenger == self.champion

    @property
    def place(self) -> tuple[str, int]:
        """What decisions are ordered by: history by its weeks, and of one week the last word."""
        return self.partition or "", self.number


_VERSION, _DECISION = TypeAdapter(Version), TypeAdapter(Decision)


def name_model(asset: str) -> str:
    """Name of the registered model that an asset makes: that of the location, for an asset that is called ``model``."""
    return ".".join(asset.split("/")).removesuffix(".model")


class Registry:
    """The versions and decisions of one registered model, in one profile.

    What was made from a sample is in a registry of its own, which nobody but the sample's own weeks reads.
    """

    def __init__(self, journal: Journal, profile: str, name: str) -> None:
        """Open it; nothing is read or written yet."""
        self.name = name
        self.profile = profile
        self._journal = journal
        self._folder = f"{FOLDER}/{profile}/{name}"

    def register(self, artefact: str, manifest: Manifest) -> Version:
        """Give a model its number; the same model, made again from the same, keeps the one it has.

        Raises:
            UserError: The store cannot be used.
        """
        while True:
            versions = list(self.versions())
            for version in versions:
                if version.manifest.data_version == manifest.data_version:
                    return version
            made = Version(len(versions) + 1, artefact, manifest)
            if self._journal.add(self._path("versions", made.number), _VERSION.dump_json(made, indent=1)):
                return made

    def decide(self, decision: Decision) -> Decision:
        """Write a decision with the next number; what was judged last of its partition is not repeated.

        So a partition that is made again from the same does not undo what a person rolled back.

        From then on it is pending for MLflow, unless it is of a sample.

        Raises:
            UserError: The store cannot be used.
        """
        while True:
            made = self.decide_in_view_of(sum(1 for _ in self.decisions()), decision)
            if made is not None:
                return made

    def decide_in_view_of(self, seen: int, decision: Decision) -> Decision | None:
        """Write a decision as `decide` does, unless others were written since: then None, and nothing is written.

        Args:
            seen: How many decisions there were when the champion was looked up.
            decision: What was decided.

        Raises:
            UserError: The store cannot be used.
        """
        made = self._write(seen, decision)
        if made is not None:
            self.announce(made)
        return made

    def announce(self, decision: Decision) -> bool:
        """Make sure that MLflow hears of a decision, also where whoever wrote it was killed before this.

        Returns:
            Whether it was this call that did; never of a sample.

        Raises:
            UserError: The store cannot be used.
        """
        name = f"{self.name}/{decision.number:06}.json"
        unsent = self.profile == FULL and self._journal.read(f"{SENT}/{name}") is None
        return unsent and self._journal.add(f"{PENDING}/{name}", b"{}")

    def _write(self, seen: int, decision: Decision) -> Decision | None:
        judged = [known for known in self.decisions() if known.partition == decision.partition and known.rule]
        if judged and _essence(judged[-1]) == _essence(decision):
            return judged[-1]
        made = replace(decision, number=seen + 1)
        written = self._journal.add(self._path("decisions", made.number), _DECISION.dump_json(made, indent=1))
        return made if written else None

    def versions(self) -> Iterator[Version]:
        """Read all versions, by number.

        Raises:
            UserError: The store cannot be read.
        """
        return map(_VERSION.validate_json, self._read("versions"))

    def decisions(self) -> Iterator[Decision]:
        """Read all decisions, by number.

        Raises:
            UserError: The store cannot be read.
        """
        return map(_DECISION.validate_json, self._read("decisions"))

    def champion(self, before: str | None = None) -> Version | None:
        """Find the champion, or the one that the weeks before a week had left; None where there is none.

        Args:
            before: A partition; what was decided of it and of later ones is not looked at.

        Raises:
            UserError: The store cannot be read.
        """
        moves = [
            decision
            for decision in self.decisions()
            if decision.moves and (before is None or (decision.partition or "") < before)
        ]
        last = max(moves, key=lambda decision: decision.place, default=None)
        return None if last is None else self.version(last.challenger)

    def find_promotion(self, version: Version) -> Decision:
        """Find the decision that made a version champion, the last one of several.

        Raises:
            ValueError: It never was.
        """
        made = [found for found in self.decisions() if found.moves and found.challenger == version.number]
        return max(made, key=lambda decision: decision.number)

    def find_taken_back(self, version: Version) -> Decision | None:
        """Find the rollback that took a version back, if nobody has returned to it since.

        Raises:
            UserError: The store cannot be read.
        """
        found = None
        for decision in self.decisions():
            if decision.outcome == "rolled back" and version.number in (decision.before, decision.champion):
                found = decision if decision.before == version.number else None
        return found

    def version(self, number: int) -> Version:
        """Read one version.

        Raises:
            UserError: There is none of that number, or the store cannot be read.
        """
        document = self._journal.read(self._path("versions", number))
        if document is None:
            numbers = [version.number for version in self.versions()]
            there = f"from 1 to {numbers[-1]}" if numbers else "none"
            raise UserError(
                f"{self.name} has no version {number}.",
                f"The versions that were judged: {there}.",
                f"See ./atoll models {self.name.partition('.')[0]} --profile {self.profile}.",
            )
        return _VERSION.validate_json(document)

    def _path(self, kind: str, number: int) -> str:
        return f"{self._folder}/{kind}/{number:06}.json"

    def _read(self, kind: str) -> Iterator[bytes]:
        return self._journal.read_all(f"{self._folder}/{kind}")


def list_names(journal: Journal, profile: str, location: str) -> list[str]:
    """Name the registered models of a code location.

    Raises:
        UserError: The store cannot be read.
    """
    names = {path.split("/")[2] for path in journal.list_paths(f"{FOLDER}/{profile}")}
    return sorted(name for name in names if name.partition(".")[0] == location)


def list_pending(journal: Journal) -> dict[str, list[str]]:
    """List the paths of what MLflow's registry does not know yet, by the name of the model.

    Raises:
        UserError: The store cannot be read.
    """
    pending: dict[str, list[str]] = {}
    for path in journal.list_paths(PENDING):
        pending.setdefault(path.split("/")[2], []).append(path)
    return pending


def mark_sent(journal: Journal, paths: Iterable[str]) -> None:
    """Put away what MLflow's registry knows.

    Raises:
        UserError: The store cannot be written.
    """
    for path in paths:
        journal.move(path, path.replace(PENDING, SENT, 1))


def _essence(decision: Decision) -> tuple[Any, ...]:
    """What makes two decisions the same one: the models, the rows, the rule and what came of it."""
    return (decision.challenger, decision.before, decision.champion, decision.held_out, repr(decision.rule))
