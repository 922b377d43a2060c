"""Who decides something at the keyboard."""

from __future__ import annotations

import getpass


def user_name() -> str:
    """This user's name on this machine; ``staff`` where there is none, as in a container."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "staff"
