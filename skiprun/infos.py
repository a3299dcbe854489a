"""Infos: what the registries say of an entry, a class for each kind; the listing commands show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # what is registered lies on the floors above, and is known here to mypy alone
    from skiprun.claims.measurement import Measurement
    from skiprun.claims.quantity import Verdict
    from skiprun.connections import Connection
    from skiprun.studies.base import Figure


@dataclass(frozen=True, kw_only=True)
class Info:
    """What is said of any entry.

    Attributes:
        summary: one line; None takes the first line of the target's docstring.
        paper: where it was published, with the section or equation.
    """

    summary: str | None = None
    paper: str | None = None


@dataclass(frozen=True, kw_only=True)
class ConnectionInfo(Info):
    """What is said of a connection.

    Attributes:
        formula: the result y by the shortcut x and the branch f(x).
    """

    formula: str


def _keeps_channels(connection: type[Connection]) -> bool:
    """Tell whether the result of a connection has the channels of its branch, as most networks need it."""
    return not connection.grows


@dataclass(frozen=True, kw_only=True)
class ModelInfo(Info):
    """What is said of an architecture.

    Attributes:
        family: the networks that it is listed with.
        input: channels, height and width of the images that it was made for.
        year: of the paper.
        task: the name in TASKS that it was made for.
        connection: its own one; None where it has no connection sites.
        connection_options: options of its own connection that differ from the connection's defaults.
        fits: tells whether it can be built around a connection.
        fixed: options of its builder that its name decides.
        width: the option of its builder that all of its channels grow with, if it has that one.
        layers: weighted layers as the paper counts them; None where they are counted from the network.
    """

    family: str
    input: tuple[int, int, int]
    year: int
    task: str = "classification"
    connection: str | None = None
    connection_options: Mapping[str, bool | int | float | str] = field(default_factory=dict)
    fits: Callable[[type[Connection]], bool] = _keeps_channels
    fixed: tuple[str, ...] = ()
    width: str = "width"
    layers: int | None = None


@dataclass(frozen=True, kw_only=True)
class DatasetInfo(Info):
    """What is said of a dataset; None where the user's files decide, or where there is none.

    Attributes:
        task: the name in TASKS that its targets are for.
        classes: how many.
        shape: of its images, as people read it.
        size: number of images of its splits, as people read it.
        train, val, test: number of images in the splits that it comes with.
        download: size of what is fetched, as people read it.
        resizes: whether images are files of many kinds and sizes, brought to one size.
        streams: whether images are decoded while they are trained on.
    """

    task: str = "classification"
    classes: int | None = None
    shape: str | None = None
    size: str | None = None
    train: int | None = None
    val: int | None = None
    test: int | None = None
    download: str | None = None
    resizes: bool = False
    streams: bool = False


Budget = Literal["toy", "init", "small", "full"]
BUDGETS: tuple[Budget, ...] = ("toy", "init", "small", "full")


@dataclass(frozen=True, kw_only=True)
class ClaimInfo(Info):
    """What is said of a published claim; its statement is the first line of what judges it.

    Attributes:
        published: what the paper found, in numbers where it gives them.
        budget: what it costs: "toy" is seconds and needs no data, "init" looks at networks before their first
            step, "small" trains on a laptop, "full" trains by the paper's protocol.
        measurement: what is done.
        control: what is done likewise, and must not show what is claimed.
        control_is: the control in words.
        foreseen: the verdict that this size of experiment allows.
    """

    published: str
    budget: Budget
    measurement: Measurement
    control: Measurement
    control_is: str
    foreseen: Verdict = "PASS"

    @property
    def measurements(self) -> tuple[Measurement, Measurement]:
        """What is done for the claim, and for its control."""
        return self.measurement, self.control


@dataclass(frozen=True, kw_only=True)
class StudyInfo(Info):
    """What is said of a study.

    Attributes:
        figures: how its rows are drawn.
        example: names that its command's help gives for an example.
        look: how much its command looks at unless told otherwise; the fields of `SampleSelection`.
        also: studies that an option of its command makes too, each with the option's help.
        without_names: studies that its command makes in its place where no network is named.
    """

    figures: tuple[Figure, ...] = ()
    example: str = ""
    look: Mapping[str, str | int] = field(default_factory=dict)
    also: Mapping[str, str] = field(default_factory=dict)
    without_names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SymptomInfo(Info):
    """What is said of a sign that something is wrong with a run.

    Attributes:
        looks_for: the sign, in words that a beginner understands.
        reads: the tags, or the beginnings of tags, that it is seen in; a run without them measured it not.
    """

    looks_for: str
    reads: tuple[str, ...]
