"""A part of a benchmark in a process of its own: one that breaks or hangs is a line, and the next begins."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT, Setting, Skipped, Unfinished, why

GRACE = 30.0  # seconds that a part may take beyond its limit, to end by itself

Outcome = dict[str, Any]


def in_own_process(name: str, part: str, setting: Setting) -> Outcome:
    """Return the `rows` of a part, or why there are none: `failed`, `skipped` or `unfinished`."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        work = json.dumps([name, part, dataclasses.asdict(setting), str(answer)])
        paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        process = subprocess.Popen(
            command_of(work), stdout=sys.stderr, env=os.environ | {"PYTHONPATH": paths}, process_group=0
        )
        try:
            code = process.wait(None if math.isinf(setting.limit) else setting.limit + GRACE)
        except subprocess.TimeoutExpired:
            return {"failed": f"took more than {setting.limit:.0f} s"}
        finally:
            end_all(process)
        return json.loads(answer.read_text()) if answer.exists() else {"failed": f"ended with code {code}"}


def command_of(work: str) -> list[str]:
    """Return the command that measures a part."""
    return [sys.executable, "-m", "benchmarks.apart", work]


def end_all(process: subprocess.Popen) -> None:
    """End a process and what it has started."""
    with contextlib.suppress(ProcessLookupError):  # all have ended
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def outcome(name: str, part: str, setting: Setting) -> Outcome:
    """Return the rows of a part that is measured in this process, or why there are none."""
    from benchmarks.catalog import parts_of

    try:
        return {"rows": parts_of(name, setting)[part]()}
    except Skipped as reason:
        return {"skipped": str(reason)}
    except Unfinished as standing:
        return {"unfinished": str(standing)}
    except Exception as error:
        traceback.print_exc()
        return {"failed": why(error)}


def main() -> None:
    """Measure the part that the first argument names, and write what came of it."""
    import torch

    from skiprun.system.torch_internals import use_private_cache

    name, part, fields, answer = json.loads(sys.argv[1])
    setting = Setting(**fields)
    torch.set_num_threads(setting.threads)
    use_private_cache()
    Path(answer).write_text(json.dumps(outcome(name, part, setting)))


if __name__ == "__main__":
    main()
