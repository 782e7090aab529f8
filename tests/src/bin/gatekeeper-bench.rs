//! The benchmark in the guest for `cargo xtask bench`; see docs/performance.md.

#[path = "../bench/mod.rs"]
mod bench;

fn main() -> anyhow::Result<()> {
    bench::main()
}
