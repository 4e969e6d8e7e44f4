"""The assets, in the order a datum meets them: lake, raw, models, release."""
