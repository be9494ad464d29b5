"""The command line, case files, verification and reports."""
