"""The buzzer's patterns and the lamps, as they reach the pins. Runs inside MicroPython."""

from machine import Pin, parts

from firmware.boards import esp32_keypad
from firmware.drivers.buzzer import Buzzer
from firmware.drivers.lamps import Lamps
from shared.wire import keypad_messages


class _Output:
    """A PWM that notes what is heard."""

    def __init__(self):
        self.heard = []
        self.hertz = 0

    def freq(self, hertz):
        self.hertz = hertz

    def duty_u16(self, duty):
        self.heard.append(self.hertz if duty else 0)


def _buzzer():
    clock = [0]
    output = _Output()
    return Buzzer(output, lambda: clock[0], lambda later, earlier: later - earlier), output, clock


def test_a_pattern_is_played_in_its_times_and_ends_in_silence():
    buzzer, output, clock = _buzzer()
    buzzer.play(bytes((90, 9, 0, 4, 120, 18)))
    heard_at = {}
    for clock[0] in range(0, 400, 10):
        buzzer.update()
        heard_at[clock[0]] = output.heard[-1]
    assert heard_at[0] == 1800
    assert heard_at[80] == 1800
    assert heard_at[90] == 0
    assert heard_at[130] == 2400
    assert heard_at[300] == 2400
    assert heard_at[310] == 0
    assert output.heard == [1800, 0, 2400, 0]


def test_a_new_pattern_ends_the_one_that_plays():
    buzzer, output, clock = _buzzer()
    buzzer.play(bytes((90, 50, 45, 50)))
    buzzer.play(bytes((25, 1)))
    clock[0] = 10
    buzzer.update()
    clock[0] = 500
    buzzer.update()
    assert output.heard == [1800, 500, 0]


def test_lamps_follow_their_bits():
    lamps = Lamps([Pin(number, Pin.OUT, value=0) for number in esp32_keypad.PINS["lamps"]])
    lit = parts.lamps.lit
    lamps.set(keypad_messages.LAMP_GREEN | keypad_messages.LAMP_LINK)
    assert lit == {"green": True, "amber": False, "red": False, "link": True}
    lamps.set(keypad_messages.LAMP_AMBER)
    assert lit == {"green": False, "amber": True, "red": False, "link": False}
    lamps.set(keypad_messages.LAMP_RED)
    assert lit == {"green": False, "amber": False, "red": True, "link": False}
