"""What "valid" means: columns, shapes of source frames, the release gate. Pure rules; imports nothing of ours."""
