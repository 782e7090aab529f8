//! Decisions: the walk over each layer's image, and the combination of the layers' answers.
//!
//! One layer's answer is a function of numbers alone: the request stands in a scratch buffer, and the
//! function takes the buffer's number. So the verifier goes through it once a program and not once
//! a layer and a caller. Such a function returns a number, the only result that the verifier accepts
//! (kernel/bpf/btf.c `btf_prepare_func_args`, Linux 6.12).

mod address;
mod answer;
mod combine;
mod number;
mod path;

pub use address::judge_address;
pub use answer::LayerAnswer;
pub use combine::{allow_name, evaluate};
pub use number::judge_number;
pub use path::judge_path;
