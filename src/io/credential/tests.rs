//! Secrets and tokens.
