"""Mutation check: rules of the compiler, left out or altered one at a time, and the tests that notice."""
