"""Processes behind the page: how each is started, found again, stopped and continued."""
