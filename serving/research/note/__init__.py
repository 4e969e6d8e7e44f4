"""The note: the published outlook of one day as one page a research desk would send. It reads the release; its own are only differences, places within a window and one quartile band."""
