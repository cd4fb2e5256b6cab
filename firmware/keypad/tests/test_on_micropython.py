"""The keypad unit and its link, inside each MicroPython."""


def test_keys_and_faces_cross_a_failing_line(run_on_board):
    run_on_board("firmware.keypad.tests.device_link")


def test_key_queue(run_on_micropython):
    run_on_micropython("firmware.keypad.tests.test_key_queue")
