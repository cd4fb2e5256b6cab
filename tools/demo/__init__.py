"""`prepay demo`: plays the whole story by itself, observing and judging each step."""
