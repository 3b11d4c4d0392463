"""What pages ask of the ledger: one function a question, a constant number of queries each."""
