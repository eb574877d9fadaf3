// The source of the targets that only carry a precompiled header.
