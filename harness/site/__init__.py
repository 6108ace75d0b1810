"""The static site: pages and charts from stored results, for any browser, without a server."""
