"""What helps the tests: servers, clients and strangers of all kinds, browsers, processes. No test is in here."""
