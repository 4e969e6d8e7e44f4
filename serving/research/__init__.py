"""What is computed from the marts: the note, the claim audit, the backtest, the what-if and their words. Nothing here publishes."""
