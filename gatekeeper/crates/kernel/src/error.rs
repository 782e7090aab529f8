//! The errors between the daemon and the kernel.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use aya::EbpfError;
use aya::maps::MapError;
use aya::pin::PinError;
use aya::programs::ProgramError;
use aya::programs::links::LinkError;
use aya_obj::ParseError;
use aya_obj::relocation::EbpfRelocationError;
use gatekeeper_btf::BtfError;

/// A failure in the kernel, or on the way to it, with the help where there is one.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// A failed system call.
    #[error("{call}: {source}")]
    Call {
        /// The call and its object.
        call: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// Types of the kernel that can't be read, or lack a field.
    #[error(transparent)]
    Btf(#[from] BtfError),
    /// An object file, or one of its maps, that can't be loaded.
    #[error("loading the eBPF programs: {}", chain(.0))]
    Load(#[from] LoadError),
    /// A map that another version pinned, with something else in it.
    #[error(
        "{map} is of another version, and open sessions live by it: they stay bound, new ones are refused\n  help: with the version that ran before, end the open sessions and run `gatekeeper daemon --detach-all`; then start this one",
        map = map.display()
    )]
    OtherVersion {
        /// The path of its pin.
        map: PathBuf,
    },
    /// A program that is not loaded, attached or live.
    #[error("{program}: {}", chain(.source))]
    Program {
        /// Its name.
        program: &'static str,
        /// The cause.
        source: ProgramFailure,
    },
    /// Every slot for a policy is taken.
    #[error("all {0} places for policies are taken: end sessions first")]
    NoSlot(u32),
    /// A layer whose image was retired.
    #[error("layer {0} has no image any more")]
    NoLayer(u32),
    /// A table that has no room for more.
    #[error("there are {limit} {entries} already: no more fit")]
    Full {
        /// The kind of its entries.
        entries: &'static str,
        /// Their greatest number.
        limit: usize,
    },
    /// Planes that don't fit.
    #[error("an image of {0} bytes does not fit the kernel's tables")]
    TooLarge(usize),
}

/// The cause of a failure to load the object file.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// An object file that can't be parsed.
    #[error(transparent)]
    Object(#[from] ParseError),
    /// Types of the object file or of the kernel that can't be parsed.
    #[error(transparent)]
    Types(#[from] aya::BtfError),
    /// A refusal of the loader's, or of the kernel's to the loader.
    #[error(transparent)]
    Ebpf(#[from] EbpfError),
    /// A reference that can't be resolved.
    #[error(transparent)]
    Relocation(#[from] EbpfRelocationError),
    /// A pinned map that can't be opened or read.
    #[error("{path}: {source}", path = path.display())]
    Map {
        /// The path of its pin.
        path: PathBuf,
        /// The cause.
        source: MapError,
    },
    /// A kernel without BPF type information.
    #[error("the kernel takes no BTF")]
    NoKernelTypes,
    /// An object file without type information.
    #[error("the object file describes no types")]
    NoObjectTypes,
    /// A map of a kind that has no descriptor here.
    #[error("map {0} has no descriptor")]
    NoDescriptor(String),
}

/// The reason why a program is not loaded, attached or live.
#[derive(Debug, thiserror::Error)]
pub enum ProgramFailure {
    /// A program that the object file lacks.
    #[error("not in the object file")]
    Missing,
    /// A kernel function that the kernel lacks.
    #[error("no function {0}")]
    NoFunction(String),
    /// A refusal of the verifier's.
    #[error("{source}\n{log}")]
    Verifier {
        /// The answer of bpf(2).
        source: io::Error,
        /// The last lines of its log.
        log: String,
    },
    /// A failure of the library's.
    #[error(transparent)]
    Library(ProgramError),
    /// A link that can't be opened.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A link that can't be pinned.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// An attached program that no canary has proved.
    #[error("attached, not proved by a canary")]
    Unproved,
    /// A program that does not fire, with what the canary found.
    #[error("{0}")]
    Dead(String),
}

impl ProgramFailure {
    /// Lines of the verifier's log that an error shows.
    const LOG_LINES: usize = 60;

    /// A refusal of the verifier's, with the end of its log.
    pub(crate) fn verifier(source: io::Error, log: &str) -> Self {
        let mut tail: Vec<&str> = log.lines().rev().take(Self::LOG_LINES).collect();
        tail.reverse();
        Self::Verifier { source, log: tail.join("\n") }
    }
}

impl From<ProgramError> for ProgramFailure {
    fn from(error: ProgramError) -> Self {
        match error {
            ProgramError::LoadError { io_error, verifier_log } => {
                Self::verifier(io_error, &verifier_log.to_string())
            }
            other => Self::Library(other),
        }
    }
}

impl KernelError {
    /// Returns a function that names the call an I/O error came from.
    pub fn call(call: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let call = call.into();
        move |source| Self::Call { call, source }
    }

    /// Returns a function that names the program a failure is of.
    pub(crate) fn program<E: Into<ProgramFailure>>(program: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self::Program { program, source: error.into() }
    }
}

/// An error and its causes; a cause that the text before it holds already is not repeated.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let cause = source.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
        next = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_named_once() {
        let refused = || io::Error::from_raw_os_error(libc::EACCES);
        let log: String = (1..=70).map(|line| format!("line {line}\n")).collect::<Vec<_>>().concat();
        let verifier =
            KernelError::program("file_open")(ProgramFailure::verifier(refused(), &log)).to_string();
        assert!(verifier.starts_with("file_open: Permission denied (os error 13)\nline 11\n"), "{verifier}");
        assert_eq!(verifier.matches("os error 13").count(), 1, "{verifier}");
        assert!(verifier.contains("line 70"));
        let missing = aya::EbpfError::FileError { path: "/x".into(), error: refused() };
        let text = KernelError::from(LoadError::from(missing)).to_string();
        assert_eq!(text, "loading the eBPF programs: error loading /x: Permission denied (os error 13)");
    }
}
