//! From the kernel's events to records: explained, kept, told to whoever follows, with no loss unnoticed.

pub mod explain;
pub mod feed;
pub mod loss;
mod objects;
pub mod programs;
pub mod record;
pub mod rules;
pub mod store;
pub mod time;
pub mod trail;
