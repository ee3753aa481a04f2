"""What `gtm score` prints and writes of a file: leaks, verdict, figures, what matters, the highest scores and why."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

from gtm_platform.cli.printing import Rows, print_rows
from gtm_platform.intelligence.scoring.features import Feature
from gtm_platform.intelligence.scoring.files import read_frame, write_frame
from gtm_platform.intelligence.scoring.models import probability
from gtm_platform.intelligence.scoring.reasons import Reasons
from gtm_platform.intelligence.scoring.scorecard import NotScorable, Scorecard, score_table
from gtm_platform.intelligence.scoring.verdicts import MIN_EVENTS, MIN_ROWS, Figures

SAMPLE, SHOWN, REASONS_SHOWN = 200, 5, 4
VERDICTS = {
    "signal": "signal. The scores rank and foretell better than chance.",
    "no signal": "no signal. The scores are no better than chance, so every row gets the base rate.",
    "too little data": f"too little data. To judge by there must be {MIN_ROWS} rows, {MIN_EVENTS} of each outcome.",
}


def score_file(
    path: Path,
    target: str,
    time: str | None,
    *,
    keep: Collection[str],
    drop: Collection[str],
    out: Path | None,
    explained: int,
    as_json: bool,
) -> None:
    """Score a file, print what came of it, and write the scores where they are wanted."""
    frame = _without(read_frame(path), drop, target)
    card = score_table(frame, target, time=time, keep=keep)
    if as_json:
        click.echo(json.dumps(_summary(card), indent=2))
    else:
        _print(path, frame, target, card)
    if out:
        write_frame(_scores(frame, card, target, explained), out)
        if not as_json:
            click.echo(f"\nThe scores are in {out}.")


def _without(frame: "pd.DataFrame", drop: Collection[str], target: str) -> "pd.DataFrame":
    names = {str(name).strip().lower(): name for name in frame.columns}
    if missing := [name for name in drop if name.strip().lower() not in names]:
        raise NotScorable(f"There is no column {missing[0]!r} to drop. The columns are: {', '.join(map(str, frame))}.")
    if target.strip().lower() in {name.strip().lower() for name in drop}:
        raise NotScorable(f"Column {target!r} is the target; it cannot be dropped.")
    return frame.drop(columns=[names[name.strip().lower()] for name in drop])


# --- text ------------------------------------------------------------------------------------------------------------


def _print(path: Path, frame: "pd.DataFrame", target: str, card: Scorecard) -> None:
    labels, outcome = card.outcome.labels, card.outcome
    click.secho(f"{path}: will {target} be {outcome.event}?", bold=True)
    without = len(frame) - len(labels)
    click.echo(
        f"{len(labels):,} rows, {labels.mean():.1%} of them {outcome.event} (else {outcome.otherwise})"
        + (f"; {without:,} more have no outcome" if without else "")
        + f". {len(card.features.columns)} columns are used."
    )
    _print_left_out(card)
    click.secho(f"\nVerdict: {VERDICTS[card.verdict]}", bold=True)
    if card.figures:
        _print_figures(card, card.figures)
    if card.trained and card.verdict == "signal":
        _print_reasons(card)


def _print_left_out(card: Scorecard) -> None:
    if card.leaks:
        click.echo("\nLeaks, left out (--keep COLUMN uses one that was known before the outcome):")
        for name, why in card.leaks.items():
            click.echo(f"  {name}: {why}")
        if card.auc_with_leaks is not None:
            click.echo(f"  With them the AUC would be {card.auc_with_leaks:.3f}.")
    if card.features.left_out:
        click.echo("\nOf no use:")
        for name, why in card.features.left_out.items():
            click.echo(f"  {name}: {why}")


def _print_figures(card: Scorecard, figures: Figures) -> None:
    auc, skill = figures.auc, figures.skill
    tested = f"trained on {card.split_at}" if card.split_at else "each row scored by models that did not see it"
    click.echo(f"  tested   {figures.rows:,} rows, {figures.events:,} events; {tested}")
    click.echo(f"  model    {card.trained.name if card.trained else ''}")
    click.echo(f"  AUC      {auc.value:.4f}  ({auc.low:.4f} to {auc.high:.4f}; 0.5 is chance)")
    click.echo(f"  Brier    {figures.brier:.4f}  (the base rate alone {figures.brier_of_base_rate:.4f})")
    click.echo(f"  skill    {skill.value:.1%}  ({skill.low:.1%} to {skill.high:.1%}; 0 % is the base rate)")
    click.echo(f"  ECE      {figures.ece:.4f}  (floor {figures.ece_floor:.4f}: a perfect model here, by chance)")
    click.echo(f"  lift     {figures.lift:.2f}  (of the tenth with the highest scores)")
    click.echo("\nModels tried, on unseen rows:")
    rows = [(each.name, f"{each.log_loss:.4f}", f"{each.auc:.4f}") for each in card.candidates]
    print_rows(Rows(["model", "log loss", "AUC"], rows), "table")
    click.echo("\nWhat was said, and what came (tenths of the rows by score):")
    bins = [(f"{each.rows:,}", f"{each.predicted:.1%}", f"{each.observed:.1%}") for each in figures.bins]
    print_rows(Rows(["rows", "said", "came"], bins), "table")


def _print_reasons(card: Scorecard) -> None:
    assert card.trained is not None
    matrix = card.features.matrix
    sample = np.linspace(0, len(matrix) - 1, min(SAMPLE, len(matrix))).astype(int)
    matters = np.abs(card.trained.reasons(matrix[sample]).parts).mean(axis=0)
    click.echo("\nWhat matters (log-odds that a column moves a score by, on average):")
    order = np.argsort(-matters, kind="stable")[:10]
    print_rows(Rows(["column", "moves by"], [(card.features.names[i], f"{matters[i]:.2f}") for i in order]), "table")
    highest = np.argsort(-card.trained.scores(matrix), kind="stable")[:SHOWN]
    why = card.trained.reasons(matrix[highest])
    numbers = np.flatnonzero(card.outcome.known_rows)[highest] + 1
    click.echo(f"\nThe highest scores by the model of all training rows, and why (all begin at {why.base:+.2f}):")
    for place, number in enumerate(numbers):
        click.echo(
            f"  row {number}: {probability(why.total[[place]])[0]:.1%}  {_why(card, why, matrix, place, highest)}"
        )


def _why(card: Scorecard, why: Reasons, matrix: Any, place: int, rows: Any) -> str:
    order = np.argsort(-np.abs(why.parts[place]), kind="stable")
    columns, parts = card.features.columns, why.parts[place]
    shown = [
        f"{columns[i].name} {_shown(columns[i], matrix[rows[place], i])} {parts[i]:+.2f}" for i in order[:REASONS_SHOWN]
    ]
    rest = parts[order[REASONS_SHOWN:]].sum()
    return ", ".join(shown) + (f", the rest {rest:+.2f}" if len(order) > REASONS_SHOWN else "")


def _shown(feature: Feature, value: float) -> str:
    """Return a value as the file has it."""
    if np.isnan(value):
        return "(none)"
    if feature.kind == "category":
        return feature.levels[int(value)] if value >= 0 else "(other)"
    return f"{value:g}"


# --- JSON and the file of scores -------------------------------------------------------------------------------------


def _summary(card: Scorecard) -> Mapping[str, Any]:
    figures = asdict(card.figures) if card.figures else {}
    return {
        "verdict": card.verdict,
        "rows": len(card.outcome.labels),
        "event": card.outcome.event,
        "base_rate": float(card.outcome.labels.mean()),
        "columns": card.features.names,
        "leaks": dict(card.leaks),
        "auc_with_leaks": card.auc_with_leaks,
        "left_out": dict(card.features.left_out),
        "model": card.trained.name if card.trained else None,
        "models": [asdict(candidate) for candidate in card.candidates],
        "split": card.split_at,
        **figures,
    }


def _scores(frame: "pd.DataFrame", card: Scorecard, target: str, explained: int) -> "pd.DataFrame":
    """Return the scored rows of a file: those tested, and those without an outcome."""
    with_outcome = np.flatnonzero(card.outcome.known_rows)
    tested = with_outcome[card.tested]
    waiting = np.flatnonzero(~card.outcome.known_rows)
    numbers = np.concatenate([tested, waiting])
    rows = pd.DataFrame({"row": numbers + 1, "outcome": _outcomes(frame, target, numbers)})
    rows["score"] = np.concatenate([card.delivered(), np.full(len(waiting), float(card.outcome.labels.mean()))])
    if card.trained is None or card.verdict != "signal":
        return rows.sort_values("row", ignore_index=True)
    matrix = card.features.matrix[card.tested]
    if len(waiting):
        fresh = card.trained.matrix(frame.iloc[waiting])
        matrix = np.vstack([matrix, fresh])
        rows.loc[len(tested) :, "score"] = card.trained.scores(fresh)
    rows["score_explained"] = card.trained.scores(matrix)
    highest = np.argsort(-rows["score_explained"].to_numpy(), kind="stable")[:explained]
    why = card.trained.reasons(matrix[highest])
    parts = np.full(matrix.shape, np.nan)
    parts[highest] = why.parts
    rows["base"] = why.base
    names = [f"reason:{name}" for name in card.features.names]
    return pd.concat([rows, pd.DataFrame(parts, columns=names)], axis=1).sort_values("row", ignore_index=True)


def _outcomes(frame: "pd.DataFrame", target: str, numbers: Any) -> list[Any]:
    names = {str(name).strip().lower(): name for name in frame.columns}
    return list(frame[names[target.strip().lower()]].iloc[numbers])
