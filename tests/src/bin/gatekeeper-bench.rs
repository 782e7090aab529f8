//! The benchmark in the guest for `cargo xtask bench`; see docs/performance.md.

#![warn(clippy::pedantic)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "figures and results of system calls"
)]
#![allow(clippy::needless_for_each, reason = "one line instead of three")]
#![allow(clippy::similar_names, reason = "words of one subject resemble each other")]

#[path = "../bench/mod.rs"]
mod bench;

fn main() -> anyhow::Result<()> {
    bench::main()
}
