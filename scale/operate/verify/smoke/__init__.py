"""Whether an address answers as a user needs it to: health, TLS, redirect, static files, and limits when asked for."""
