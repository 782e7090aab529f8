//! The trail on disk: segments of records in a Merkle tree, with signed checkpoints.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

pub mod backward;
pub mod check;
mod cut;
pub mod folder;
mod form;
pub mod key;
pub mod merkle;
pub mod open;
pub mod pack;
pub mod prove;
pub mod retain;
pub mod seal;
pub mod signed_note;
#[cfg(test)]
mod tests;
pub mod verify;
pub mod writer;
