"""Who is asking: sign-in, sessions, tokens, and the mark that a form came from our own page."""
