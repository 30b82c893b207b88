//! Loom models of the node: counting, settling, orphans and waiting.
