"""The published side: what people and BI tools read, built aside, audited, swapped in whole. Reads marts, writes only its own release."""
