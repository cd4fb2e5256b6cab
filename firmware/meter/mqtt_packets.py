"""Packets of MQTT 3.1.1 as bytes: those that the client makes, and the parts of those it reads."""

CONNACK = 0x20
PUBLISH = 0x30
PUBACK = 0x40
SUBACK = 0x90
PINGRESP = 0xD0
DUP = 0x08
UNSENT = -1
_BUFFER_SIZE = 800
PIECE = 128  # bytes read at a time

# Stable numbers of what ends a connection, for logs.
REFUSED = 1
BAD_PACKET = 2
SILENT = 3
NO_PUBACK = 4
SUBSCRIPTION_REFUSED = 5


class MQTTError(Exception):
    """The connection can't go on; `args` are one of the numbers above and a text."""


class Outgoing:
    """A message on its way: its packet, and whom to tell when the broker has it."""

    def __init__(self):
        self.packet_id = 0
        self.packet = bytearray(_BUFFER_SIZE)
        self.done = None
        self.age = UNSENT  # then half keepalives since it was sent in this connection
        self.sent = False
        self.writing = False

    def fill(self, topic, payload, packet_id, retain):
        """Make it another PUBLISH; a payload that is a function appends itself."""
        packet = self.packet
        packet[:] = _field(topic)
        packet.extend(bytes((packet_id >> 8, packet_id & 255)))
        if callable(payload):
            payload(packet)
        else:
            packet.extend(payload)
        packet[:0] = _head(PUBLISH | 2 | (1 if retain else 0), len(packet))
        self.packet_id = packet_id
        self.age = UNSENT
        self.sent = False


async def remaining_length(reader):
    """Read the length of the rest of a packet."""
    length = 0
    for place in range(4):  # [MQTT-2.2.3]
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 127) << 7 * place
        if byte < 128:
            return length
    raise MQTTError(BAD_PACKET, "length")


async def skip(reader, count):
    """Read so many bytes and forget them."""
    while count:
        count -= len(await reader.readexactly(min(count, PIECE)))


def _field(data):
    if isinstance(data, str):
        data = data.encode()
    return bytes((len(data) >> 8, len(data) & 255)) + data


def _head(kind, length):
    head = bytearray((kind,))
    while length > 127:
        head.append(length & 127 | 128)
        length >>= 7
    head.append(length)
    return head


def _packet(kind, body):
    return _head(kind, len(body)) + body


def connect_packet(client_id, user, password, will, keepalive_s):
    """Return a CONNECT that keeps the session.

    Args:
        client_id, user, password, will, keepalive_s: as of MQTTClient.
    """
    flags = 0
    tail = _field(client_id)
    if will:
        flags |= 0x2C  # will, at QoS 1, retained
        tail += _field(will[0]) + _field(will[1])
    if user is not None:
        flags |= 0x80
        tail += _field(user)
    if password is not None:
        flags |= 0x40
        tail += _field(password)
    body = _field("MQTT") + bytes((4, flags, keepalive_s >> 8, keepalive_s & 255)) + tail
    return _packet(0x10, body)


def subscribe_packet(topics):
    """Return a SUBSCRIBE for topics at QoS 1."""
    body = b"\0\1"
    for topic in topics:
        body += _field(topic) + b"\1"
    return _packet(0x82, body)
