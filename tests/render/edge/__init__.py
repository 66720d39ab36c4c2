"""The real nginx and the real HAProxy, with what is rendered for them."""
