"""Show results: tables, figures, one HTML page."""

from __future__ import annotations

from skiprun.reports.claims import claims_folder, claims_text, read_claims, verdict_word
from skiprun.reports.listing import list_runs, run_details, runs_rows
from skiprun.reports.noise import noise_table
from skiprun.reports.page import read_comparison, slug, write_comparison
from skiprun.reports.study_figures import write_study
from skiprun.reports.study_tables import study_table
from skiprun.reports.sweep import sweep_table
from skiprun.reports.tables import comparison_table, listing_table, run_table, runs_table

__all__ = [
    "claims_folder",
    "claims_text",
    "comparison_table",
    "list_runs",
    "listing_table",
    "noise_table",
    "read_claims",
    "read_comparison",
    "run_details",
    "run_table",
    "runs_rows",
    "runs_table",
    "slug",
    "study_table",
    "sweep_table",
    "verdict_word",
    "write_comparison",
    "write_study",
]
