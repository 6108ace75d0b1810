"""The contract of every entry, as tests that any package's entries can run.

`harness contract PACKAGE` tests the entries that an outside package adds. The harness's own test
suite tests the harness's entries.
"""
