"""What head-end, meter and keypad say to each other: topics, messages, frames."""
