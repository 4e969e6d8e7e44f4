"""What starts runs: jobs, schedules by the publication clock, sensors for what happens. No asset is defined here."""
