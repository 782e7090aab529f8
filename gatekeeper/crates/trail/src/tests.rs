//! Tests of the crate as a whole.

mod version_1;
