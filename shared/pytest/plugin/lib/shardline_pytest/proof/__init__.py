"""Proves that a suite is separable: that its files can be collected one by one with the same result. What cannot be proven is reported, never assumed."""
