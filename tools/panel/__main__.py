"""`python -m tools.panel` does what `prepay panel` does."""

from tools.panel.command import panel

if __name__ == "__main__":
    panel()
