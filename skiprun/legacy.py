"""Old words of run directories written by earlier versions, translated to those of today.

Nothing else reads them: a YAML file has the words of today. The oldest configs have no section `compute`, and
those before there was a section `seeds` have the seed of the split in `data`.
"""

from __future__ import annotations

from typing import Any

Plain = dict[str, Any]  # nested data as YAML and torch.save have it
COMPUTE = {
    **{key: key for key in ("device", "precision", "threads", "channels_last", "compile", "cuda_graph")},
    "deterministic": "deterministic",
    "recompute": "activation_checkpointing",
}
CONNECTIONS = {
    "scale": "constant_scaling",
    "scaled": "rezero",
    "gated": "highway",
    "gated_shortcut": "shortcut_only_gating",
    "conv1x1": "conv_shortcut",
    "dropout": "shortcut_dropout",
    "stochastic": "stochastic_depth",
    "attention": "attention_gate",
}
# In these, `gated` was the gate of Oktay et al. 2018 on the long skips.
ATTENTION_GATED = ("unet", "unetplusplus", "resunet")
CONNECTION_OPTIONS = {"per_picture": "per_image"}
AUGMENT = {"turn": "rot90"}
# Keys that are in another section now.
MOVED = {"data.split_seed": "seeds.split"}


def config_of_today(plain: Plain) -> Plain:
    """Return a config from a run directory in the words of today."""
    if not all(isinstance(plain.get(name), dict) for name in ("model", "data")):
        return plain
    return _moved(plain if "compute" in plain else _of_before_compute(plain))


def _moved(plain: Plain) -> Plain:
    """Return a config with each key in the section where it is now."""
    for old, new in MOVED.items():
        (home, name), (section, key) = old.split("."), new.split(".")
        if name in plain[home]:
            rest = {each: value for each, value in plain[home].items() if each != name}
            plain = plain | {home: rest, section: {**plain.get(section, {}), key: plain[home][name]}}
    return plain


def _of_before_compute(plain: Plain) -> Plain:
    """Return a config of before there was a section `compute` in the words of today.

    Before there was `data.background`, every run had `fit: resize`, which images with labels did not look at.
    """
    data = plain["data"]
    if "background" not in data and data.get("fit") == "resize":
        data = {key: value for key, value in data.items() if key != "fit"}
    if isinstance(data.get("augment"), dict):
        data = data | {"augment": _renamed(data["augment"], AUGMENT)}
    rest = {key: value for key, value in plain.items() if key not in COMPUTE}
    compute = {new: plain[old] for old, new in COMPUTE.items() if old in plain}
    return rest | {"model": _model(plain["model"]), "data": data, "compute": compute}


def checkpoint_of_today(state: Plain) -> Plain:
    """Return the state of a checkpoint in the words of today; its config is read by `config_of_today`."""
    if "sums" not in state:
        return state
    sums = state["sums"]  # loss, steps and clipped steps, and then what the task counts
    counts = {"counts": sums[3:]} if len(sums) > 3 else {}
    rest = {key: value for key, value in state.items() if key not in ("sums", "average")}
    totals = {"loss": sums[0], "steps": sums[1], "clipped": sums[2], **counts}
    return rest | {"ema_model": state.get("average"), "totals": totals}


def connection_of_today(name: str, network: str, options: Plain | None = None) -> str:
    """Return what a connection is called now, by its old name, the network it was in and its options."""
    if name == "gated" and network in ATTENTION_GATED:
        return "attention_gate"
    if name == "scaled" and (options or {}).get("per_channel"):
        return "layer_scale"
    return CONNECTIONS.get(name, name)


def _model(model: Plain) -> Plain:
    """Return the section `model` in the words of today."""
    network, name, options = str(model.get("name")), model.get("connection"), model.get("connection_options")
    model = dict(model)
    if isinstance(name, str):
        model["connection"] = connection_of_today(name, network, options)
    if isinstance(options, dict):
        kept = {key: value for key, value in options.items() if key != "per_channel"}
        # The default of layer_scale is another now.
        first = {"init": 0.0} if model.get("connection") == "layer_scale" else {}
        model["connection_options"] = first | _renamed(kept, CONNECTION_OPTIONS)
    if isinstance(model.get("connections"), dict):
        model["connections"] = {
            site: connection_of_today(str(name), network) for site, name in model["connections"].items()
        }
    if isinstance(model.get("options"), dict) and "block_connection" in model["options"]:
        within = CONNECTIONS.get(model["options"]["block_connection"], model["options"]["block_connection"])
        model["options"] = model["options"] | {"block_connection": within}
    return model


def _renamed(table: Plain, words: dict[str, str]) -> Plain:
    return {words.get(key, key): value for key, value in table.items()}
