"""The same models on Apache Spark: a cluster on this machine, the lake as its raw tables, and the proof that the rows are DuckDB's.

No model and no figure is made here. What runs inside Spark's own environment (`driver.py`) imports nothing of this project.
"""
