"""The section `schedule`: how long a run is, and its learning rate over that."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from skiprun.config.fields import Count, NonNegative, Positive, Section


class Restart(Section):
    """Where a course that ends near nothing begins again, and with which learning rate."""

    step: Count = Field(description="steps that are done then", examples=[1000])
    lr: Positive = Field(description="learning rate of the next step", examples=[0.05])


class ScheduleConfig(Section):
    """Length of the run, learning rate over it; `warmup` and `milestones` have the unit of the length."""

    kind: Literal["cosine", "multistep", "constant", "one_cycle", "wsd"] = Field(
        "cosine",
        description="the course after the warmup: one_cycle rises itself (Smith 2018; momentum stays as it "
        "is), wsd is warmup, stable, decay (Hu 2024)",
        examples=["multistep"],
    )
    epochs: Annotated[float, Field(gt=0, le=10**9)] | None = Field(
        None, description="length in passes over the training split", examples=[15]
    )
    steps: Count | None = Field(None, description="length in steps", examples=[64000])
    warmup: NonNegative = Field(0.0, description="linear rise from nothing at the start", examples=[1])
    milestones: list[Positive] = Field(
        [], description="where multistep lowers the rate", examples=[[32000, 48000]]
    )
    factor: Annotated[float, Field(gt=0, lt=1)] = Field(0.1, description="what multistep multiplies by")
    patience: Count | None = Field(
        None,
        description="stop early, after so many epochs in which validation was no better than the best before",
        examples=[10],
    )
    pct_start: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.3, description="share of one_cycle in which the rate rises"
    )
    div_factor: Annotated[float, Field(ge=1)] = Field(
        25.0, description="one_cycle begins at the peak divided by it"
    )
    final_div_factor: Annotated[float, Field(ge=1)] = Field(
        1e4, description="one_cycle ends at its first rate divided by it"
    )
    decay_share: Annotated[float, Field(gt=0, le=1)] = Field(
        0.2, description="share of the steps after the warmup in which wsd falls to nothing, the last ones"
    )
    decay_shape: Literal["1-sqrt", "linear", "cosine"] = Field(
        "1-sqrt", description="how wsd falls; 1-sqrt is the best of Hagele 2024", examples=["linear"]
    )
    restarts: list[Restart] = Field(
        [],
        description="where cosine, one_cycle or wsd begin again; `skiprun resume --epochs` writes them",
        examples=[[{"step": 1000, "lr": 0.05}]],
    )

    @property
    def begins_again(self) -> bool:
        """Whether the rate ends near nothing, so that a longer run begins the course again."""
        return self.kind in ("cosine", "one_cycle", "wsd")

    @property
    def length(self) -> float:
        """Length in the unit that was given."""
        return self.epochs or self.steps or 0.0

    def share(self, step: int, epoch: float) -> float:
        """Return which share of the run is over after so many steps, which are so many epochs."""
        return (epoch if self.epochs else step) / self.length

    def extends(self, old: ScheduleConfig, stable: bool = False) -> bool:
        """Tell whether this is another made longer, or without patience, so that its run can go on.

        What falls must begin again then, but for a wsd whose rate does not fall yet, as `stable` says.
        """
        free = {"epochs", "steps", "restarts", "patience"}
        kept = [each.model_dump(exclude=free) for each in (old, self)]
        same_unit = (old.epochs is None) == (self.epochs is None)
        further = self.restarts[: len(old.restarts)] == old.restarts
        begun_again = stable or not old.begins_again or len(self.restarts) > len(old.restarts)
        longer = self.length > old.length and begun_again
        patient = old.patience is not None and self.patience is None and self.length == old.length
        same_patience = self.patience in (None, old.patience)
        return kept[0] == kept[1] and same_unit and further and same_patience and (longer or patient)
