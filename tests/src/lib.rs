//! The guest suite.
