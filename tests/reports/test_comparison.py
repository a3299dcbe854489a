"""Grouping, broken directories, protocols, and comparisons as data and files."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from skiprun.claims.comparison import compare_runs
from skiprun.claims.evidence import format_p, p_value
from skiprun.errors import StorageError
from skiprun.experiment.summary import gradient_ratio
from skiprun.reports import slug, write_comparison
from skiprun.reports.claims import write_page
from skiprun.reports.columns import NOTE, columns
from skiprun.reports.figures import draw
from skiprun.reports.plots import describe
from skiprun.reports.rendering import TEMPLATES
from skiprun.reports.rivals import rival_note, rival_rows
from skiprun.results.group_document import group_document
from skiprun.results.groups import Group
from skiprun.run import Run
from skiprun.system.files import json_safe
from tests.support.fake_runs import SESSION, write_run, write_trio

EVIL = "[red]<b>&[bold]$x$"


def test_seeds_become_one_group_in_the_order_given(tmp_path: Path) -> None:
    comparison = compare_runs(write_trio(tmp_path))
    assert [group.label for group in comparison.groups] == ["plain20", "plain56", "resnet56"]
    row = group_document(comparison.groups[0])
    assert row["seeds"] == [0, 1, 2]
    assert row["train"]["loss"]["mean"] == pytest.approx((0.010 + 0.008 + 0.013) / 3)
    assert row["test"]["error"]["std"] == pytest.approx(1.1 * 0.2516611, abs=1e-6)
    assert row["model"]["parameters"] == 269_722
    assert comparison.remarks == []


def test_a_run_given_twice_counts_once(tmp_path: Path) -> None:
    run = write_run(tmp_path, "plain20")
    assert len(compare_runs([run, Run(run.path)]).groups[0].runs) == 1


def test_equal_names_in_two_folders_stay_apart(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / side, "plain20", loss=0.1) for side in ("left", "right")]
    assert [group.label for group in compare_runs(runs).groups] == ["left/plain20", "right/plain20"]


@pytest.mark.parametrize(
    "content",
    ["{", "[]", "null", "{}", '{"model": 3, "data": []}', "\x00\xff", '{"a": ' * 5000],
    ids=range(7),
)
def test_a_damaged_summary_is_named_and_the_others_are_compared(tmp_path: Path, content: str) -> None:
    runs = write_trio(tmp_path, seeds=1)
    runs[1].summary_file.write_text(content, encoding="latin-1")
    comparison = compare_runs(runs)
    assert [group.label for group in comparison.groups] == ["plain20", "resnet56"]
    assert comparison.remarks[0].startswith("Not compared: plain56/seed-0: cannot be read")
    assert "\n" not in comparison.remarks[0]


def test_a_damaged_config_costs_the_protocol_and_not_the_numbers(tmp_path: Path) -> None:
    runs = write_trio(tmp_path, seeds=1)
    runs[0].config_file.write_text("model: [")
    comparison = compare_runs(runs)
    assert len(comparison.groups) == 3
    assert any("config of plain20 cannot be read" in text for text in comparison.cautions)


def test_a_run_that_vanished_is_named(tmp_path: Path) -> None:
    comparison = compare_runs([Run(tmp_path / "gone" / "seed-0"), *write_trio(tmp_path, seeds=1)])
    assert len(comparison.groups) == 3 and len(comparison.unfinished) == 1


def test_nothing_finished_is_an_empty_comparison(tmp_path: Path) -> None:
    comparison = compare_runs([write_run(tmp_path, "plain20", state="stopped")])
    write_comparison(comparison, tmp_path / "out")
    assert comparison.groups == () and comparison.verdict.degradation.answer is None
    assert (tmp_path / "out" / "report.html").exists()


def test_numbers_that_were_not_finite_are_nan_and_null(tmp_path: Path) -> None:
    run = write_run(tmp_path, "plain20", loss=float("nan"))
    comparison = compare_runs([run])
    write_comparison(comparison, tmp_path / "out")
    saved = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert saved["groups"][0]["train"]["loss"]["mean"] is None
    assert "| nan |" in (tmp_path / "out" / "report.md").read_text()
    assert comparison.verdict.degradation.answer is None


def test_a_mean_over_fewer_seeds_than_were_run_says_so(tmp_path: Path) -> None:
    losses = [0.1, float("nan"), 0.2]
    write_comparison(
        compare_runs([write_run(tmp_path, "plain20", seed, loss=loss) for seed, loss in enumerate(losses)]),
        tmp_path / "out",
    )
    assert "| 2 of 3 | 0.150 |" in (tmp_path / "out" / "report.md").read_text()


def test_protocol_tells_what_differs_from_what_is_shared(tmp_path: Path) -> None:
    protocol = compare_runs(write_trio(tmp_path, seeds=1)).protocol
    assert protocol.differing == {
        "model.name": {"plain20": "plain20", "plain56": "plain56", "resnet56": "resnet56"}
    }
    assert protocol.shared["optim.lr"] == 0.1
    assert not {"name", "seed", "log.every"} & {*protocol.shared, *protocol.differing}


def test_seeds_under_unequal_settings_are_a_caution(tmp_path: Path) -> None:
    runs = [
        write_run(tmp_path, "plain20", 0),
        write_run(tmp_path, "plain20", 1, settings={"optim": {"lr": 0.2}}),
    ]
    assert compare_runs(runs).cautions == ("The seeds of plain20 differ in optim.lr.",)


def test_json_holds_everything_and_survives_the_round_trip(tmp_path: Path) -> None:
    runs = [*write_trio(tmp_path), write_run(tmp_path, "plain110", state="diverged", message="nan")]
    comparison = compare_runs(runs)
    write_comparison(comparison, tmp_path / "out")
    saved = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert {key: saved[key] for key in comparison.to_dict()} == json_safe(comparison.to_dict())
    assert saved["verdict"]["degradation"] is True and saved["verdict"]["cured"] is True
    assert saved["not_compared"][0]["state"] == "diverged"
    assert [run["test.error"] for run in saved["groups"][0]["runs"]] == pytest.approx([1.1, 0.88, 1.43])


def test_where_a_first_layer_is_frozen_there_is_no_gradient_ratio_rather_than_one_of_nothing(
    tmp_path: Path,
) -> None:
    """What a run of frozen layers logs and sums up: no number."""
    run = write_run(tmp_path, "resnet20", connection="add")
    rows = [json.loads(line) for line in run.metrics_file.read_text().splitlines()]
    rows = [row | dict.fromkeys([key for key in row if key == "grad/first_over_last"]) for row in rows]
    run.metrics_file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert gradient_ratio(run) == {}
    group = lacking(compare_runs([run]).groups[0], "gradient.")
    (ratio,) = [column for column in columns([group]) if column.heading == "gradient first/last"]
    assert ratio.text(group) == "none" and group_document(group)["gradient_first_over_last"]["n"] == 0
    assert "gradient_ratio" not in [drawing.name for drawing in draw(describe([group]))]


def lacking(group: Group, without: str) -> Group:
    """Return a group whose summaries lack the numbers below a prefix."""
    runs = [
        replace(
            run, summary={key: value for key, value in run.summary.items() if not key.startswith(without)}
        )
        for run in group.runs
    ]
    return Group(group.label, tuple(runs))


def test_figures_have_labelled_axes_and_are_not_empty(tmp_path: Path) -> None:
    comparison = compare_runs(write_trio(tmp_path))
    drawings = {drawing.name: drawing for drawing in draw(describe(comparison.groups))}
    names = [
        "training_loss",
        "validation_error",
        "gradient_flow_start",
        "gradient_flow_median",
        "gradient_ratio",
    ]
    assert list(drawings) == [*names, "test_error"]
    for drawing in drawings.values():
        (axes,) = drawing.figure.axes
        assert axes.get_xlabel() and axes.get_ylabel() and drawing.caption
        assert drawing.png().startswith(b"\x89PNG") and len(drawing.png()) > 8_000
    loss = drawings["training_loss"].figure.axes[0]
    assert loss.get_yscale() == "log" and len(loss.lines) == 3 and len(loss.collections) == 3
    final = [line.get_ydata()[-1] for line in loss.lines]
    assert final == pytest.approx([group.sample("final.train.loss").mean for group in comparison.groups])
    depth = drawings["gradient_flow_start"].figure.axes[0].lines[1].get_xdata()
    assert (depth[0], depth[-1], np.size(depth)) == (0, 1, 56)


def test_a_figure_is_written_for_the_screen_and_for_paper(tmp_path: Path) -> None:
    plots = describe(compare_runs(write_trio(tmp_path, seeds=1)).groups)
    assert draw(plots)[0].write(tmp_path) == tmp_path / "training_loss.png"
    vectors = [(tmp_path / f"training_loss.{kind}") for kind in ("svg", "pdf")]
    texts = {element.text for element in ElementTree.parse(vectors[0]).iter() if element.text}
    assert {"epoch", "plain20"} <= texts
    assert vectors[1].read_bytes().startswith(b"%PDF-") and vectors[1].stat().st_size > 8_000
    before = [file.read_bytes() for file in vectors]
    draw(plots)[0].write(tmp_path)
    assert [file.read_bytes() for file in vectors] == before


def test_legends_name_every_network_and_lie_outside_the_axes(tmp_path: Path) -> None:
    runs = [
        write_run(tmp_path, f"a_rather_long_name_{number:02}", model="resnet20", epochs=2)
        for number in range(12)
    ]
    drawing = draw(describe(compare_runs(runs).groups))[0]
    drawing.png()
    (legend,) = drawing.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [run.path.parent.name for run in runs]
    box, axes = legend.get_window_extent(), drawing.figure.axes[0].get_tightbbox()
    assert box.y1 <= axes.y0 and box.x0 >= 0 and box.x1 <= drawing.figure.bbox.x1


def test_a_damaged_log_costs_its_curve_only(tmp_path: Path) -> None:
    runs = write_trio(tmp_path, seeds=1)
    runs[0].metrics_file.write_text("{\n")
    drawing = draw(describe(compare_runs(runs).groups))[0]
    assert len(drawing.figure.axes[0].lines) == 2
    assert "not readable, for plain20" in drawing.caption


def test_a_run_copied_as_another_seed_does_not_count_as_one(tmp_path: Path) -> None:
    runs = write_trio(tmp_path, seeds=1)
    shutil.copytree(runs[0].path, runs[0].path.parent / "seed-1")
    comparison = compare_runs([*runs, Run(runs[0].path.parent / "seed-1")])
    assert [len(group.runs) for group in comparison.groups] == [1, 1, 1]
    assert [record.line for record in comparison.unfinished] == [
        "plain20/seed-1: cannot be read (a copy of seed 0)"
    ]


def test_a_run_without_curves_is_told(tmp_path: Path) -> None:
    runs = write_trio(tmp_path, seeds=1)
    runs[0].metrics_file.write_text("{\n")
    runs[1].metrics_file.unlink()
    told = [text for text in compare_runs(runs).remarks if "curves" in text]
    lost = [f"Caution: No curves of {run.name}: its metrics.jsonl is missing or damaged." for run in runs[:2]]
    assert told == lost


def test_page_is_self_contained(tmp_path: Path) -> None:
    write_comparison(compare_runs(write_trio(tmp_path)), tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count('<svg fill="currentColor"') == 6
    assert set(re.findall(r"https?://[^\"']*", page)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"src=|<link|<img|@import|url\((?!#)| href=\"(?!#)", page)
    assert (
        "Degradation was seen" in page
        and "skiprun compare plain20 plain56 resnet56" in page
        and "optim.lr" in page
    )


def test_names_and_messages_are_never_read_as_markup(tmp_path: Path) -> None:
    runs = [write_run(tmp_path, EVIL, model="resnet20", connection="add"), write_run(tmp_path, "plain20")]
    runs.append(write_run(tmp_path, "x", state="failed", message="<script>alert(1)</script> [/foo] | `"))
    write_comparison(compare_runs(runs), tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("<script") == 2 and "alert(1)</script" not in page and "<b>" not in page
    assert "&lt;b&gt;&amp;[bold]$x$" in page
    (numbers,) = re.findall(r'<script type="application/json" id="charts">(.*?)</script>', page)
    assert json.loads(numbers)["networks"]["0"]["name"] == EVIL
    notes = (tmp_path / "out" / "report.md").read_text()
    assert r"\<script\>" in notes and r"\[/foo\] \| \`" in notes


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file"):
        write_comparison(compare_runs(write_trio(tmp_path, seeds=1)), tmp_path / "file" / "out")


def test_slugs_are_folder_names() -> None:
    assert (
        slug(["plain20", "configs/plain56_cifar.yaml", "runs/resnet56/seed-3"])
        == "plain20-plain56_cifar-resnet56-seed-3"
    )
    assert slug(["../..", "/"]) == "comparison"
    long = [f"network-number-{number}" for number in range(20)]
    assert len(slug(long)) <= 80 and slug(long) != slug([*long[:-1], "another"])


def test_reports_need_no_torch_and_start_light() -> None:
    code = (
        "import sys, skiprun.reports\n"
        "heavy = {'torch', 'matplotlib', 'scipy', 'numpy', 'jinja2'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_a_table_means_is_one_text_for_both_pages(tmp_path: Path) -> None:
    comparison = compare_runs(write_trio(tmp_path))
    write_comparison(comparison, tmp_path / "out")
    page, notes = ((tmp_path / "out" / f"report.{kind}").read_text() for kind in ("html", "md"))
    for text in (NOTE, rival_note(comparison.verdict.ranking.evidence)):
        assert text in html.unescape(page).replace(" ± ", " +- ") and text in notes
    templates = [(TEMPLATES / f"report.{kind}").read_text() for kind in ("html", "md")]
    longest = max(re.findall(r"[\w ,.;:'%()-]+", templates[1]), key=len)
    assert len(longest) < 80, f"a sentence in a template has a twin: {longest}"


def test_a_p_value_is_written_alike_in_a_sentence_and_in_a_table(tmp_path: Path) -> None:
    ranking = compare_runs(write_trio(tmp_path)).verdict.ranking.evidence
    headings, rows = rival_rows(ranking)
    assert ranking and len(rows) == 2
    for rival, row in zip(ranking.rivals, rows, strict=True):
        shown = row[headings.index("p")]
        assert f", {format_p(rival.p)}" in rival.words("error")
        assert format_p(rival.p) in (f"p = {shown}", f"p {shown}")
    assert [p_value(p) for p in (0.0004, 0.05, 0.237, 1.0, float("nan"))] == [
        "< 0.001",
        "0.05",
        "0.24",
        "1",
        "-",
    ]


def test_machines_that_differ_are_told_by_value(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / "runs", "plain20", seed) for seed in range(7)]
    for run in runs[:2]:
        run.record_environment({**SESSION, "device": "a <GPU>"})
    page = write_comparison(compare_runs(runs), tmp_path / "out" / "one")
    told = 'a &lt;GPU&gt; <span class="quiet">plain20/seed-0, plain20/seed-1</span><br>'
    assert f'{told}CPU, 2 threads, fp32 <span class="quiet">5 runs</span>' in page.read_text()
    assert "CPU, 2 threads, fp32 (5 runs)" in page.with_name("report.md").read_text()


def test_pages_share_a_policy_that_asks_nobody_and_only_one_runs_scripts(tmp_path: Path) -> None:
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    comparison = write_comparison(compare_runs(write_trio(tmp_path)), tmp_path / "out" / "trio").read_text()
    claims = write_page([], tmp_path).read_text()
    assert f'content="{policy}"' in claims and "<h1>Published claims, done again</h1>" in claims
    assert "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:" in comparison
    for template in TEMPLATES.glob("*.html"):
        assert template.name in ("base.html", "style.html") or "<head>" not in template.read_text()
