"""The text that is generated for declarations which together use every line of every template."""
