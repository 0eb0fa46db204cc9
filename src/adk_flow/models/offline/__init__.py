"""How the keyless default decides: it reads only the request, and is no language model."""
