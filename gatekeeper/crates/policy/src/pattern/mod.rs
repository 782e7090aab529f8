//! Patterns: of bytes as written (`glob`), of real paths (`path`), and of text that knows no slash (`word`).

pub mod glob;
mod path;
pub mod word;

pub use path::{Component, Flat, Item, Pattern, escape, flatten};
