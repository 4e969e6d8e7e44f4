"""What people and BI tools read: the release with its swap and rollback, and tables written as files. No figure is computed here."""
