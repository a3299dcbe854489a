"""Show results: tables, figures, one HTML page."""

from __future__ import annotations

from skiprun.reports.claims import claims_folder, claims_text, read_claims, verdict_word
from skiprun.reports.comparison_files import read_comparison, slug, write_comparison
from skiprun.reports.explanation import explanation_text
from skiprun.reports.html import study_html
from skiprun.reports.listing import list_runs
from skiprun.reports.noise import noise_table
from skiprun.reports.run_diff import diff_table, run_differences
from skiprun.reports.run_export import FORMS, export_text
from skiprun.reports.run_rows import run_details, runs_rows
from skiprun.reports.run_tables import listing_table, run_table, runs_table
from skiprun.reports.study_figures import write_study
from skiprun.reports.study_tables import study_table
from skiprun.reports.sweep import sweep_table
from skiprun.reports.tables import comparison_table

__all__ = [
    "FORMS",
    "claims_folder",
    "claims_text",
    "comparison_table",
    "diff_table",
    "explanation_text",
    "export_text",
    "list_runs",
    "listing_table",
    "noise_table",
    "read_claims",
    "read_comparison",
    "run_details",
    "run_differences",
    "run_table",
    "runs_rows",
    "runs_table",
    "slug",
    "study_html",
    "study_table",
    "sweep_table",
    "verdict_word",
    "write_comparison",
    "write_study",
]
