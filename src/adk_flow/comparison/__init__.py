"""The same conversations under every construct, compared."""
