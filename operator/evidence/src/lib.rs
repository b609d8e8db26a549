//! Evidence: statements, envelopes, bundles.
