"""Tests of the whole workflow when something fails: nothing unsafe is done, and what failed is named."""
