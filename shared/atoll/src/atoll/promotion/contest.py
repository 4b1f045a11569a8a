"""Challenger against champion, on the same rows."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib import import_module
from typing import Any

from atoll.errors import UserError
from atoll.promotion.comparison import Comparison, IncomparableError, compare
from atoll.promotion.gate import Gate, Judgement, judge
from atoll.promotion.held_out import HeldOut, read_scores
from atoll.promotion.registry import Decision, Outcome, Registry, Version
from atoll.storage.store import Artefact, Store
from atoll.storage.values import read

LATENCY_ROWS = 1_000


@dataclass(frozen=True)
class Contest:
    """What two models are judged by.

    ``truth``, ``baseline``, ``units`` and ``slices`` are columns of the held-out rows; ``score`` is the
    ``module:function`` that takes a model and these rows and gives one number a row, by default ``predict``.
    """

    gate: Gate
    truth: str | None = None
    baseline: str | None = None
    units: str | None = None
    slices: Sequence[str] = ()
    score: str | None = None

    def hold(
        self,
        store: Store,
        registry: Registry,
        challenger: Artefact,
        held_out: Artefact,
        checks_failed: Sequence[str],
        asked: Mapping[str, str],
    ) -> Decision:
        """Judge a challenger, and write the decision; the same challenger on the same rows is decided once.

        Args:
            store: Where all of them are.
            registry: Of the model.
            challenger: The model that is judged, and registered.
            held_out: A pandas table of rows that neither model has learnt from.
            checks_failed: Names of data checks that failed.
            asked: Who or what asked.

        Raises:
            UserError: The rows lack a column, the challenger cannot predict them, or the store cannot be used.
        """
        model, rows = read(store, challenger), read(store, held_out)
        version = registry.register(challenger.folder, challenger.manifest)
        # The same model may have been made for another week before: the version then says that one.
        partition = challenger.manifest.partition
        while True:
            seen = sum(1 for _ in registry.decisions())
            before = registry.champion(before=partition)
            if before is not None and before.number == version.number:
                decision = registry.find_promotion(version)
                registry.announce(decision)
                return decision
            judgement = self._refuse(registry, version) or self._judge(
                store, before, challenger.manifest.size, model, rows, checks_failed
            )
            decision = _decide(version, partition, before, judgement, held_out, asked)
            made = registry.decide_in_view_of(seen, decision)
            # Another training, or a person, has decided meanwhile: there may be another champion to meet.
            if made is not None:
                return made

    def _refuse(self, registry: Registry, version: Version) -> Judgement | None:
        """Refuse what a person took back."""
        taken_back = registry.find_taken_back(version)
        if taken_back is None:
            return None
        why = f"decision {taken_back.number} took version {version.number} back, and only a person returns to it"
        return Judgement(False, f"Refused: {why}.", {}, asdict(self.gate))

    def _judge(
        self, store: Store, before: Version | None, size: int, model: Any, rows: Any, checks_failed: Sequence[str]
    ) -> Judgement:
        predictions, latency = self._predict(model, rows)
        theirs, champion_error = self._ask_champion(store, before, rows)
        held_out = self._hold_out(rows, challenger=predictions, champion=theirs, champion_error=champion_error)
        return judge(self.gate, held_out, size=size, latency=latency, checks_failed=checks_failed)

    def compare_with_baseline(self, model: Any, rows: Any) -> Comparison:
        """Compare one model with the baseline, as the gate does.

        Args:
            model: What predicts.
            rows: A pandas table that it has not learnt from.

        Raises:
            IncomparableError: The metric or its interval cannot be had from these rows.
            UserError: The rows lack a column, or the model cannot predict them.
        """
        found = read_scores(self.gate.metric, self._hold_out(rows, challenger=self._score(model, rows)))
        for name in ("challenger", "baseline"):
            if name not in found.scores:
                raise IncomparableError(f"the {name} cannot be used: {found.faults.get(name, 'there is none')}")
        models = (found.scores["challenger"], found.scores["baseline"])
        return compare(*models, found.groups, self.gate.error_rate, found.positives)

    def _hold_out(self, rows: Any, **predicted: Any) -> HeldOut:
        return HeldOut(
            truth=self._column(rows, self.truth) if self.truth else [0] * len(rows),
            baseline=self._column(rows, self.baseline) if self.baseline else None,
            units=self._column(rows, self.units) if self.units else None,
            slices={name: self._column(rows, name) for name in self.slices},
            **predicted,
        )

    def _predict(self, model: Any, rows: Any) -> tuple[Any, float | None]:
        """Predict all rows; and how many seconds a thousand take, None where there are none."""
        scores = self._score(model, rows)
        few = rows.head(LATENCY_ROWS)
        if not len(few):
            return scores, None
        begin = time.perf_counter()
        self._score(model, few)
        return scores, (time.perf_counter() - begin) * LATENCY_ROWS / len(few)

    def _ask_champion(self, store: Store, champion: Version | None, rows: Any) -> tuple[Any, str | None]:
        """What the champion says of the rows, or why it says nothing: whatever that is, the gate goes on without."""
        if champion is None:
            return None, None
        try:
            artefact = store.read_version(champion.artefact)
            if artefact is None:
                return None, f"version {champion.number} is not in the store any more"
            return self._score(read(store, artefact), rows), None
        except Exception as error:
            return None, f"version {champion.number}: {type(error).__name__}: {' '.join(str(error).split())}"

    def _score(self, model: Any, rows: Any) -> Any:
        if self.score is None:
            return model.predict(rows)
        module, _, function = self.score.partition(":")
        return getattr(import_module(module), function)(model, rows)

    def _column(self, rows: Any, name: str) -> Any:
        if name not in rows.columns:
            raise UserError(
                f"The held-out rows have no column `{name}`.",
                f"They have: {', '.join(map(str, rows.columns))}.",
                "Add it to the held-out table, or name another one where the gate is defined.",
            )
        return rows[name]


def _decide(
    version: Version,
    partition: str | None,
    before: Version | None,
    judgement: Judgement,
    held_out: Artefact,
    asked: Mapping[str, str],
) -> Decision:
    outcome: Outcome = "promoted" if judgement.promoted else "refused"
    stays = None if before is None else before.number
    return Decision(
        number=0,
        outcome="sample" if version.manifest.profile == "sample" else outcome,
        time=datetime.now(timezone.utc),
        partition=partition,
        challenger=version.number,
        before=stays,
        champion=version.number if judgement.promoted else stays,
        reason=judgement.reason,
        held_out=held_out.manifest.data_version,
        figures=judgement.figures,
        rule=judgement.rule,
        asked=dict(asked),
    )
