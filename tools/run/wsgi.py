"""The web pages for granian; its worker ends with it, even when that is killed hard."""

from __future__ import annotations

import ctypes
import signal

from headend.config.wsgi import application

_PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

__all__ = ["application"]
