"""The forecast of the panel, outside SQL: fitting it, judging whether it may speak, and the protocol its record is printed by.

Signals, probabilities and intervals are made in SQL (`intermediate.int_panel__*`), which applies what is fitted here. scikit-learn and arch are
imported in `fitting` and `resampling` alone, and those by who fits or prints, never by a daily run.
"""
