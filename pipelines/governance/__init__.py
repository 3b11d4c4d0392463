"""Who may use which data for what and until when: the one door to the lake, tokens, retention, audit."""
