"""Forkserver preload: ignore signals, die with the parent (Linux)."""

import ctypes
import signal

from skiprun.system.machine import leave_imports_alone

PR_SET_PDEATHSIG = 1  # of prctl.h

for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(number, signal.SIG_IGN)
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
leave_imports_alone()
