"""MQTT topics between head-end and meters: `<prefix>/<drn>/down`, `/stored` and `/up/<kind>`."""

PREFIX = "prepay/v1"


class BadTopic(ValueError):
    """The topic is none of ours."""


def down(drn, prefix=PREFIX):
    """Return the topic of commands to the meter with this number."""
    return f"{prefix}/{drn}/down"


def stored(drn, prefix=PREFIX):
    """Return the topic of the meter's watermark."""
    return f"{prefix}/{drn}/stored"


def up(drn, kind, prefix=PREFIX):
    """Return the topic of the meter's messages of a kind: ack, state, reading, event, online."""
    return f"{prefix}/{drn}/up/{kind}"


def all_up(prefix=PREFIX, share=None):
    """Return the filter for every meter's messages.

    Args:
        prefix: as configured.
        share: group name when several workers share the stream, else None.
    """
    every = f"{prefix}/+/up/#"
    return f"$share/{share}/{every}" if share else every


def parse_up(topic, prefix=PREFIX):
    """Split a topic of a meter's message.

    Returns:
        (drn, kind), for example ("04123456789", "state").

    Raises:
        BadTopic: it is not `<prefix>/<digits>/up/<kind>`.
    """
    parts = topic[len(prefix) + 1 :].split("/")
    if topic[: len(prefix) + 1] != prefix + "/" or len(parts) != 3 or parts[1] != "up":
        raise BadTopic(topic)
    if not is_digits(parts[0]) or not parts[2]:
        raise BadTopic(topic)
    return parts[0], parts[2]


def is_digits(text):
    """Return True if `text` is one or more of the characters 0 to 9, and no other script's."""
    return bool(text) and all("0" <= each <= "9" for each in text)
