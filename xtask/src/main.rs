//! gatekeeper's own tasks: set-up, builds, guests, tests, benchmarks, the demo, checks.

mod apt;
mod assistants;
mod bench;
mod build;
mod cmd;
mod demo;
mod dependencies;
mod diagram;
mod escape_families;
mod escapes;
mod guest;
mod hooks;
mod initramfs;
mod kernels;
mod layers;
mod licences;
mod lint;
mod paths;
mod payload;
mod promises;
mod prose;
mod qemu;
mod rootfs;
mod runs;
mod setup;
mod source_paths;
mod suites;
mod tally;
mod test;
mod toolchain;
mod verified;
mod vm;
mod vmlinux;

use std::process::ExitCode;

use anyhow::Result;
use build::Profile;
use clap::{Parser, Subcommand};

/// Tasks of the gatekeeper repository
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", subcommand_required = true)]
struct Cli {
    /// Build what runs as it is shipped, instead of quickly
    #[arg(long, global = true)]
    release: bool,
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install and download what the other commands need (each does its share by itself)
    Setup {
        /// Look for newer kernels, too
        #[arg(long)]
        refresh: bool,
    },
    /// Build gatekeeper and the guest's test programs
    Build,
    /// Run a command or a script in a guest
    ///
    /// The guest is a Debian with gatekeeper installed where a real install puts it, and the
    /// users dev and alice. Output goes to standard output, the exit status is passed through; 125
    /// means that the guest itself failed (panic, time-out), which standard error explains.
    Vm(vm::Vm),
    /// Run all tests: the guest suite and the escape suite on every kernel, and meanwhile those of the host
    ///
    /// All attacks on 6.12, a share of their families on each other kernel and without bpf in the LSM list. Each fuzz
    /// target runs for 20 seconds. With a filter, only tests by name: for attacks see `escapes`.
    ///
    /// Ends with a line for each kernel and the closing line `N passed, N failed`.
    Test(test::Test),
    /// Run the escape suite: attacks that must fail in a session, on every kernel
    ///
    /// Each attack of tests/escapes must succeed outside any session and fail in one, and the session's
    /// work must go on. Ends with a table for each kernel and the closing line `N passed, N failed`.
    Escapes(escapes::Escapes),
    /// Run Codex and Gemini CLI in sessions in a guest, with a scripted model, and check the record
    ///
    /// Fetches both from npm (500 MB), needs Node.js 20, and takes some minutes: not a part of `test`.
    Assistants(assistants::Assistants),
    /// Count the instructions that gatekeeper adds, on every kernel
    Bench(bench::Bench),
    /// Show a session from start to end: here if this kernel can enforce, else in a guest
    Demo(demo::Demo),
    /// Draw the crates and their dependencies: docs/images/crates.dot and crates.svg
    Diagram,
    /// Format all code
    Fmt,
    /// Check formatting, clippy (workspace and eBPF), documentation, dependencies, hooks against every kernel
    Lint(lint::Lint),
}

fn main() -> ExitCode {
    let Cli { release, task } = Cli::parse();
    match run(task, Profile::chosen(release)) {
        Ok(status) => ExitCode::from(u8::try_from(status).unwrap_or(1)),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task, profile: Profile) -> Result<i32> {
    match task {
        Task::Setup { refresh } => setup::run(refresh)?,
        Task::Build => {
            setup::build()?;
            build::run(profile)?;
        }
        Task::Vm(vm) => return vm::run(vm, profile),
        Task::Test(test) => return test::run(&test, profile),
        Task::Escapes(escapes) => return escapes::run(&escapes, profile),
        Task::Assistants(assistants) => return assistants::run(&assistants, profile),
        Task::Bench(bench) => return bench::run(&bench),
        Task::Demo(demo) => return demo::run(&demo, profile),
        Task::Diagram => diagram::run()?,
        Task::Fmt => lint::fmt()?,
        Task::Lint(lint) => lint::run(&lint)?,
    }
    Ok(0)
}
