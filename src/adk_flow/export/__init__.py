"""Flows where people already look: tables for a notebook, spans for a tracing backend."""
