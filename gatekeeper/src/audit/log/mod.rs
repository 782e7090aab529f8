//! The trail on disk: segments of records in a Merkle tree, with signed checkpoints.

pub mod key;
pub mod merkle;
pub mod note;
pub mod seal;
