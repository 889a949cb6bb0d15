"""Codecs: write and read each kind of JSON, one codec per family of calls."""
