//! From the kernel's events to records: explained, kept, told to whoever follows, with no loss unnoticed.

mod calls;
pub mod cast;
pub mod change;
pub mod explain;
pub mod export;
pub mod feed;
pub mod index;
pub mod keeper;
pub mod log;
pub mod loss;
pub mod mask;
pub mod objects;
pub mod ocsf;
pub mod processes;
pub mod programs;
pub mod record;
pub mod rules;
pub mod screen;
pub mod story;
pub mod time;
pub mod told;
pub mod trail;
pub mod words;
