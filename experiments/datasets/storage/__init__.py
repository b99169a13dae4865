"""Where sets are stored: raw files fetched and checked, sets prepared once, read back in order."""
