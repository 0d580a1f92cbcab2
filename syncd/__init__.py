"""The engine and the command line of fluix-syncd. Knows `connectors`, `scim` and `mdm`; they do not know it."""
