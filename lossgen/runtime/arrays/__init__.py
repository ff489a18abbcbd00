"""The ladder as array code: what generated programs need to run in the operations of any framework."""
