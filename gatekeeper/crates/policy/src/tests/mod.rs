//! Tests that need the whole way from text to image.

mod agreement;
mod agreement_words;
mod cases;
mod damage;
mod documents;
mod record;
mod shipped;
mod size;
mod walk;

pub use crate::testing::{compile, vars};
