"""The panel: a web page with the face of every simulated meter, and the real firmware behind it."""
