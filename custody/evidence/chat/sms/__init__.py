"""SMS Backup & Restore: the XML of messages and calls that the Android app of this name writes."""
