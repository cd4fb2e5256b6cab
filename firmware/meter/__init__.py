"""The meter: pure rules, and the tasks that connect them to the world."""
