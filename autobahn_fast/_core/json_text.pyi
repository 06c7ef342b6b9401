# SPDX-License-Identifier: MIT
"""Strings of JSON. Everything in it is for other compiled modules: nothing can be reached from Python."""
