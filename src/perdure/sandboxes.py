"""Sandboxes for untrusted code. A module that only one of them needs is imported where that one is
chosen.
"""

from collections.abc import Callable

from perdure.clock import Clock
from perdure.sandbox.local import LocalSandbox
from perdure.sandbox.sandbox import MIB, Sandbox, SessionLimits
from perdure.sandbox.sessions import Sessions
from perdure.settings import Settings, files_read


def connect(settings: Settings, *, warm: bool = True) -> Sandbox:
    """Returns the sandbox as configured. Nothing is started yet, and nothing of the machine is
    needed.

    With `warm`, sessions load the usual libraries before they are asked for anything.
    """
    limits = SessionLimits(
        memory_bytes=settings.code_memory_mib * MIB, disk_bytes=settings.code_disk_mib * MIB
    )
    return SANDBOXES[settings.sandbox](settings, limits, warm)


def sessions(settings: Settings, *, clock: Clock) -> Sessions:
    """Returns the sessions of all threads, as configured."""
    return Sessions(
        connect(settings),
        clock=clock,
        most=settings.code_max_sessions,
        spare=settings.code_spare_sessions,
        idle_seconds=settings.code_idle_seconds,
    )


def _bubblewrap(settings: Settings, limits: SessionLimits, warm: bool) -> Sandbox:
    return LocalSandbox(limits, private=[settings.data_dir, *files_read(settings)], warm=warm)


def _gateway(settings: Settings, limits: SessionLimits, warm: bool) -> Sandbox:
    from perdure.sandbox.gateway.sandbox import GatewaySandbox

    assert settings.code_gateway_url is not None  # noqa: S101 # the settings see to that
    return GatewaySandbox(
        settings.code_gateway_url,
        token=settings.code_gateway_token,
        kernel=settings.code_gateway_kernel,
        limits=limits,
        warm=warm,
    )


def _scripted(settings: Settings, limits: SessionLimits, warm: bool) -> Sandbox:  # noqa: ARG001
    from perdure.testing.scripted_sandbox import ScriptedSandbox

    return ScriptedSandbox()


# By the names of the setting `code_sandbox`.
SANDBOXES: dict[str, Callable[[Settings, SessionLimits, bool], Sandbox]] = {
    "bubblewrap": _bubblewrap,
    "gateway": _gateway,
    "scripted": _scripted,
}
