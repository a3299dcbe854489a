"""What a dataset is asked for."""

from __future__ import annotations

from skiprun.config import DataConfig


class DataRequest(DataConfig):
    """The section `data` of a config, the seed of the splits that the dataset does not have, and the fold."""

    split_seed: int = 0
    fold: int = 0

    @property
    def stored_size(self) -> int | None:
        """The side that images are brought to before they are cropped to `image_size`."""
        return self.resize_size or self.image_size

    @classmethod
    def of(cls, config: DataConfig, split_seed: int, fold: int = 0) -> DataRequest:
        """Return the request of a section, which is checked already."""
        return cls.model_construct(**dict(config), split_seed=split_seed, fold=fold)
