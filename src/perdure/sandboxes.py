"""Where untrusted code runs. What only a gateway needs is imported where there is one."""

from perdure.clock import Clock
from perdure.sandbox.local import LocalSandbox
from perdure.sandbox.sandbox import MIB, Sandbox, SessionLimits
from perdure.sandbox.sessions import Sessions
from perdure.settings import Settings, files_read


def connect(settings: Settings, *, warm: bool = True) -> Sandbox:
    """The sandbox as configured; nothing is started yet, and nothing of the machine is needed."""
    limits = SessionLimits(
        memory_bytes=settings.code_memory_mib * MIB, disk_bytes=settings.code_disk_mib * MIB
    )
    if settings.code_gateway_url:
        from perdure.sandbox.gateway.sandbox import GatewaySandbox

        return GatewaySandbox(
            settings.code_gateway_url,
            token=settings.code_gateway_token,
            kernel=settings.code_gateway_kernel,
            limits=limits,
            warm=warm,
        )
    return LocalSandbox(limits, private=[settings.data_dir, *files_read(settings)], warm=warm)


def sessions(settings: Settings, *, clock: Clock) -> Sessions:
    """The sessions of all threads, as configured."""
    return Sessions(
        connect(settings),
        clock=clock,
        most=settings.code_max_sessions,
        spare=settings.code_spare_sessions,
        idle_seconds=settings.code_idle_seconds,
    )
