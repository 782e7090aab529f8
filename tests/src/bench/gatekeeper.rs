//! gatekeeper itself, by its library: no daemon, no session but a marked cgroup.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use gatekeeper_common::label::Label;
use gatekeeper_kernel::Kernel;
use gatekeeper_kernel::programs::PROGRAMS;
use gatekeeper_kernel::{Images, Labels};

use super::policy;

/// Loads and attaches the programs.
pub fn load(pins: &Path) -> Result<Kernel> {
    let start = Instant::now();
    let kernel = Kernel::load(pins)?;
    println!("loading the programs: {:.1} G instructions", start.elapsed().as_secs_f64());
    Ok(kernel)
}

/// A labelled cgroup.
pub struct Group(PathBuf);

impl Group {
    /// Moves this process in.
    pub fn enter(&self) -> Result<()> {
        fs::write(self.0.join("cgroup.procs"), "0").context("entering the cgroup")
    }
}

/// Opens a session under a policy of so many rules.
pub fn session(kernel: &mut Kernel, rules: usize) -> Result<Group> {
    let start = Instant::now();
    let image = policy::compile(rules)?.image;
    let compiled = start.elapsed();
    let layer = kernel.publish(&image.head(), image.comb(), rules as u64)?;
    let published = start.elapsed().saturating_sub(compiled);
    println!(
        "{rules} rules: compiled in {:.3} G instructions, published in {:.3} G; {} edges, {} rows, {:?}",
        compiled.as_secs_f64(),
        published.as_secs_f64(),
        image.edges(),
        image.rows(),
        image.size()
    );
    let folder = PathBuf::from(format!("/sys/fs/cgroup/bench-{rules}"));
    fs::create_dir_all(&folder).context("making a cgroup")?;
    let mut label = Label { session: rules as u64, count: 1, ..Label::default() };
    label.layers[0] = layer;
    kernel.mark(fs::metadata(&folder)?.ino(), &label)?;
    Ok(Group(folder))
}

/// Prints how many instructions the verifier went through for each program.
pub fn verified() -> Result<()> {
    let mut counts: Vec<(String, u32)> = Vec::new();
    for program in aya::programs::loaded_programs() {
        let program = program?;
        let name = program.name_as_str().unwrap_or_default().to_owned();
        // The kernel keeps 15 bytes of a name; programs of one beginning come in the order in which they were loaded.
        let is_new = |ours: &str| !counts.iter().any(|(counted, _)| counted == ours);
        let ours = PROGRAMS
            .iter()
            .find(|ours| !name.is_empty() && ours.name.starts_with(&name) && is_new(ours.name));
        if let (Some(ours), Some(count)) = (ours, program.verified_instruction_count()) {
            counts.push((ours.name.to_owned(), count));
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    println!(
        "\ninstructions verified, {} in all:",
        counts.iter().map(|(_, count)| u64::from(*count)).sum::<u64>()
    );
    for line in counts.chunks(4) {
        line.iter().for_each(|(name, count)| print!(" {name:>25} {count:>7}"));
        println!();
    }
    Ok(())
}
