//! Judgements: from a hook's request to the number it returns. Each resolves its object, decides, and
//! records.

mod address;
mod conclude;
mod exec;
mod number;
mod place;
mod signal;
mod unix;

pub use address::{address, own_address, peer_address};
pub use conclude::{conclude, no_buffer, refuse};
pub use exec::{judge_final_arguments, program};
pub use number::number;
pub use place::{mapping, place};
pub use signal::signal;
pub use unix::{unix_name, unix_path};
