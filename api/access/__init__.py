"""Who may come in, and what they may do: sign-in, tokens, permissions, entry and audit."""
