"""Orders down a subtree, acknowledgement and feedback up, post by post."""
