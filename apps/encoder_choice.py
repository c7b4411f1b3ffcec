"""One text names an encoder and its options: `NAME` or `NAME:option=value,...`."""

from eventsim.errors import ParameterError
from streams.encoders import Encoder, new_encoder


def encoder_from_text(text: str) -> Encoder:
    """Return the encoder that a text names.

    Raises ParameterError naming what is wrong and what is allowed.

    >>> encoder_from_text("level-crossing:step_db=6").n_addresses
    64
    """
    name, _, rest = text.partition(":")
    options: dict[str, object] = {}
    for part in rest.split(",") if rest else ():
        key, equals, value = part.partition("=")
        if not (key.strip() and equals and value.strip()):
            raise ParameterError(f"encoder {name}: {part!r} is not OPTION=VALUE")
        options[key.strip()] = value.strip()
    return new_encoder(name, options=options)
