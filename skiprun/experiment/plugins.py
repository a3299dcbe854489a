"""Plug-in files that a config names by `import`: found, checked and imported before a name is looked up.

What a person writes into a config is trusted, as a script is that they start. A run directory may come from a
stranger, so a file that it names is imported only if it holds what the run recorded, belongs to the user, and
lies in no folder of runs; or if the user names it with --import.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.errors import BrokenPlugin, InputError
from skiprun.registry import CONNECTIONS, DATASETS, MODELS, PROBES, Registry, forget
from skiprun.registry.modules import own_files
from skiprun.system.plugin_file import PluginFile, find_plugin

log = logging.getLogger(__name__)

_imported: dict[str, PluginFile] = {}  # by module, as they were when they were imported
TRUSTED = "SKIPRUN_IMPORT"  # paths as in $PATH; processes that are started here inherit them


def import_plugin(name: Path | str) -> None:
    """Import a file of one's own, or an installed module, and trust it where a run names it; --import.

    Raises:
        InputError: it is not there.
        BrokenPlugin: it cannot be imported.
    """
    plugin = find_plugin(str(name))
    _trust(plugin)
    _import_once(plugin)


def import_all(names: object) -> None:
    """Import what a file that a person wrote names by `import`, before its other keys are checked."""
    for name in names if isinstance(names, list) else []:
        if isinstance(name, str):
            plugin = _find(name)
            _check(plugin, None)
            _import_once(plugin)


def with_plugins(config: RunConfig) -> RunConfig:
    """Import the plug-ins of a config, and return the config with the digest of each.

    A plug-in that was imported before and registers what the config names is added, so that its run finds it.

    Raises:
        InputError: a plug-in is not there, or a run names it and it is not to be trusted.
        BrokenPlugin: one cannot be imported.
    """
    plugins = {plugin.name: plugin for plugin in map(_find, config.imports)}
    if len(plugins) < len(config.imports):
        raise InputError(f"{config.place('import')}: two of {', '.join(config.imports)} have one name.")
    for name, plugin in plugins.items():
        _check(plugin, config.imported.get(name))
        _import_once(plugin)
    plugins |= {plugin.name: plugin for plugin in _behind(config) if plugin.name not in plugins}
    new = {name: plugin.digest for name, plugin in plugins.items() if name not in config.imported}
    if not new:
        return config
    places = [plugin.installed or str(plugin.path) for plugin in plugins.values()]
    return config.replace(**{"import": places, "imported": config.imported | new})


def _trusted() -> list[str]:
    return [place for place in os.environ.get(TRUSTED, "").split(os.pathsep) if place]


def _trust(plugin: PluginFile) -> None:
    place = plugin.installed or str(plugin.path)
    if place not in _trusted():
        os.environ[TRUSTED] = os.pathsep.join([*_trusted(), place])


def _find(name: str) -> PluginFile:
    """Return the plug-in that a config names; a trusted file of its name stands for one elsewhere."""
    stands_for = [place for place in _trusted() if Path(place).name == Path(name).name]
    try:
        return find_plugin(stands_for[-1] if stands_for else name)
    except InputError as error:
        raise InputError(f"import: {error} Name the place of '{Path(name).name}' with --import.") from None


def _check(plugin: PluginFile, recorded: str | None) -> None:
    """Refuse a plug-in that is not to be trusted, by what a run recorded of it; None: a person names it."""
    trusted = (plugin.installed or str(plugin.path)) in _trusted()
    if trusted:
        if recorded not in (None, plugin.digest):
            log.warning(f"{plugin.path} changed since the run began, and is used as it is now.")
        return
    if why := _lies_among_runs(plugin.path) or (recorded is not None and _suspicion(plugin, recorded)):
        raise InputError(
            f"{plugin.path} is code that a run names, and is not imported: {why}. "
            f"If you trust what it holds now, add --import {plugin.installed or plugin.path}."
        )
    if recorded is None:
        _trust(plugin)


def _suspicion(plugin: PluginFile, recorded: str) -> str:
    """Say why a file might not be what the user's own run began with; nothing if it is."""
    if plugin.digest != recorded:
        return "it changed since the run began" if recorded else "the run recorded no digest of it"
    owners = (os.geteuid(), *[0] * bool(plugin.installed)) if hasattr(os, "geteuid") else ()
    if owners and plugin.path.stat().st_uid not in owners:
        return "it belongs to another user"
    return ""


def _lies_among_runs(path: Path) -> str:
    """Say that a file lies in a run directory, beside one, or in a folder of runs; nothing if it does not."""
    for folder in path.resolve().parents:
        for pattern in ("config.yaml", "seed-*/config.yaml", "*/seed-*/config.yaml"):
            if any((file.parent / "environment.json").exists() for file in folder.glob(pattern)):
                return f"it lies among runs, in {folder}"
    return ""


def _import_once(plugin: PluginFile) -> None:
    """Import a plug-in, unless its content is imported already."""
    known = _imported.get(plugin.module)
    if known and known.digest == plugin.digest:
        return
    if not plugin.installed:  # Python keeps an installed module as it was
        forget(plugin.module)
    try:
        plugin.run()
    except BrokenPlugin:
        forget(plugin.module)
        raise
    _imported[plugin.module], own_files[plugin.module] = plugin, plugin.path


def _behind(config: RunConfig) -> Iterator[PluginFile]:
    """Yield the imported plug-ins that register what a config names."""
    model, named = config.model, list[tuple[Registry, str | None]]()
    named += [(MODELS, model.name), (DATASETS, config.data.name), *((PROBES, name) for name in config.probes)]
    named += [(CONNECTIONS, name) for name in (model.connection, *(model.connections or {}).values())]
    entries = [registry.entries[name] for registry, name in named if name in registry.entries]
    for module in dict.fromkeys(entry.module for entry in entries):
        if module in _imported:
            yield _imported[module]
