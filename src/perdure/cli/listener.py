"""A socket that listens on an address."""

import errno
import os
import socket

from perdure.errors import ConfigurationError

BACKLOG = 2048


def listen(host: str, port: int, *, setting: str = "--port") -> socket.socket:
    """Returns a socket that listens on the address. Raises `ConfigurationError` in one sentence,
    which names the setting of the port.
    """
    where = f"Port {port} on {host or 'every address'}"
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise ConfigurationError(f"The host {host!r} is unknown: {error.strerror}.") from None
    except ValueError:
        raise ConfigurationError(f"The host {host!r} is no name and no address.") from None
    try:
        return socket.create_server(address, family=family, backlog=BACKLOG)
    except PermissionError:
        raise ConfigurationError(
            f"{where} may not be opened by this user: choose one above 1023 with {setting}."
        ) from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigurationError(
                f"{where} is taken: stop the program that uses it, or choose another with "
                f"{setting}."
            ) from None
        reason = os.strerror(error.errno or 0)
        raise ConfigurationError(f"{where} cannot be listened on: {reason}.") from None
