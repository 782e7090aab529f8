//! Looking things up: a table made from the segments, which are the truth. It can be removed at any time, and
//! is made anew where it does not fit.

#[cfg(feature = "parquet")]
pub mod parquet;
mod query;
mod row;
mod table;
#[cfg(test)]
mod tests;

pub use query::{Count, Query, Stats};
pub use row::Row;
pub use table::{Index, IndexError, first_false_row};
