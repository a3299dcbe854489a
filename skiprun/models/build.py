"""Build a network from a name and options, or from a config; errors in plain words."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from skiprun.config import Count, ModelConfig
from skiprun.connections import sites
from skiprun.connections.fade import make_fadable
from skiprun.errors import OptionError, OutOfMemory, explain_out_of_memory
from skiprun.models.complexity.meta import without_content
from skiprun.models.options import convert_options, options_of
from skiprun.models.surgery import choose_connections
from skiprun.models.weights.freeze import freeze_from_config
from skiprun.registry import MODELS
from skiprun.system.arguments import checked_arguments, fits, type_in_words
from skiprun.system.machine import memory_bytes

# What a config says of the connections and of the start, not of the architecture.
ASIDE = {"name", "connection", "connection_options", "connections", "skip_schedule", "options"}
START = {"weights", "download_weights", "freeze", "feature_extract", "backbone_lr"}
SMALLER_NETWORK = "Try a smaller model.width or model.depth, or fewer classes."


@checked_arguments
def build_model(
    name: str,
    num_classes: Count = 10,
    in_channels: Count = 3,
    *,
    connection: str | None = None,
    connection_options: Mapping[str, object] | None = None,
    connections: Mapping[str, str] | None = None,
    **options: object,
) -> nn.Module:
    """Build a network of the registry; weights come from torch's global generator.

    Args:
        name: an architecture of `skiprun models`.
        num_classes: size of the output.
        in_channels: channels of the images.
        connection: a connection of `skiprun connections`; None takes the architecture's own.
        connection_options: options of that connection, such as {"bias": -1.0}.
        connections: other connections at some sites, such as {"3,5-9": "none"}.
        options: options of the family, such as `shortcut="B"`, `norm="group"` or `width=32`.

    Raises:
        UnknownName: no such architecture or connection.
        OptionError: an option or a connection that this architecture does not take.
        OutOfMemory: it would have more weights than this machine can hold.
    """
    entry = MODELS[name]
    parts: dict[str, object] = {}
    if own := entry.info.connection:
        parts["connection"] = choose_connections(entry, connection or own, connection_options, connections)
    else:
        said = {
            "connection": connection,
            "connection_options": connection_options,
            "connections": connections,
        }
        for key in filter(said.get, said):
            raise OptionError(key, f"{name} has no connection sites, so none can be chosen")
    if options.get("stem") == "small" and "stem" not in options_of(entry.target):
        del options["stem"]  # it has no other
    parts |= convert_options(name, entry.target, options, entry.info.fixed)
    for key in {"width", "depth"} & options.keys():
        if not fits(options[key], field := ModelConfig.model_fields[key].annotation):
            raise OptionError(key, f"found {options[key]}; it must be {type_in_words(field)}")
    with explain_out_of_memory("while the network is built", SMALLER_NETWORK):
        return entry.target(num_classes, in_channels, **parts)


def build_from_config(config: ModelConfig, num_classes: int = 10, in_channels: int = 3) -> nn.Module:
    """Build the network that a config describes, with freshly drawn weights.

    Raises:
        UnknownName: no such architecture or connection.
        OptionError: what does not fit; its key is the dotted key below `model`.
    """
    given = config.model_dump(exclude_none=True, exclude=ASIDE | START)
    for key in ASIDE & config.options.keys():
        raise OptionError(f"options.{key}", f"is no option of {config.name}; say model.{key}")
    for key in {"num_classes", "in_channels"} & config.options.keys():
        raise OptionError(f"options.{key}", "is not chosen; the dataset says it")
    try:
        model = build_model(
            config.name,
            num_classes,
            in_channels,
            connection=config.connection,
            connection_options=config.connection_options,
            connections=config.connections,
            **config.options | given,
        )
    except OptionError as error:
        places = {"connection_options": config.connection_options or {}, "options": config.options}
        section = next((f"{name}." for name, keys in places.items() if error.key in keys), "")
        raise OptionError(section + error.key, error.problem) from None
    if config.skip_schedule:
        if not any(site.uses_shortcut for site in sites(model).values()):
            raise OptionError("skip_schedule", f"this {config.name} has no shortcut that could fade")
        make_fadable(model)
    return model


def check_from_config(config: ModelConfig, starts: bool = True) -> None:
    """Refuse what does not fit together, before any data is read: the network is built without content.

    Args:
        config: the `model` section.
        starts: whether training begins with this network; if not, a checkpoint gives it all of its weights.

    Raises:
        UnknownName, OptionError: as `build_from_config` and `freeze_from_config`.
        OutOfMemory: it has more weights than this machine can hold.
    """
    with without_content():
        model = build_from_config(config)
        freeze_from_config(model, config, model.state_dict() if starts and config.weights is None else ())
    needed, there = sum(tensor.nbytes for tensor in model.state_dict().values()), memory_bytes()
    if needed > there:
        sizes = f"{needed / 1e9:,.0f} GB of weights, and this machine has {there / 1e9:,.0f} GB of memory"
        raise OutOfMemory(f"{config.name} would have {sizes}. {SMALLER_NETWORK}")
