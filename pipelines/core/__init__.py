"""What every stage stands on: settings, errors, hashing, clock, locks, bucket, lake, ledger."""
