"""What every entry promises, as tests that any package's entries can be put to.

`harness contract PACKAGE` runs them over what an outside package adds; the harness's own test suite
over all that it has itself.
"""
