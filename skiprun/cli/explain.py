"""`skiprun explain`: what went wrong in a run, in plain sentences."""

from __future__ import annotations

from skiprun.cli.options import RUNS, Json, RunArgument, RunsFolder
from skiprun.cli.terminal import emit, results


def explain(run: RunArgument, runs: RunsFolder = RUNS, json: Json = False) -> None:
    """Say what is unusual in the training of RUN, where its log shows it, and what to try.

    It reads metrics.jsonl alone, of a run that is finished, running or broken off. Of a healthy one it says
    that nothing unusual was found, and what was looked for.
    """
    from skiprun import reports
    from skiprun.claims.symptom import explain as look_for_symptoms
    from skiprun.run import Run, run_folder

    explanation = look_for_symptoms(Run.open(run_folder(run, runs)))
    if json:
        emit(explanation.to_dict())
    else:
        results.print(reports.explanation_text(explanation))
