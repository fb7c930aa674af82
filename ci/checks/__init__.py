"""The rules of ci/tidy.py, one module a subject."""
