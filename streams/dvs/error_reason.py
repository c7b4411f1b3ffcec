"""What a library's or the system's error says, in one line."""


def reason_of(error: Exception) -> str:
    r"""Return the first line of what an error says without its full stop, or else its type's name.

    >>> reason_of(OSError(19, "No such device")), reason_of(ValueError("broken.\nmore"))
    ('No such device', 'broken')
    """
    text = str(getattr(error, "strerror", None) or error).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__
