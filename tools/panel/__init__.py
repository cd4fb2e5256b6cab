"""The panel: a page with the face of every simulated meter, and the real firmware behind it."""
