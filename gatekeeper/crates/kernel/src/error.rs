//! What can go wrong between the daemon and the kernel.

use std::io;
use std::path::PathBuf;

use gatekeeper_btf::BtfError;

/// What went wrong, with the call and the help.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// A call into the kernel failed.
    #[error("{what}: {source}")]
    Call {
        /// The call and its object.
        what: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The kernel's types could not be understood.
    #[error(transparent)]
    Btf(#[from] BtfError),
    /// The object file could not be loaded.
    #[error("loading the eBPF programs: {0}")]
    Load(String),
    /// A map that another version pinned, with something else in it.
    #[error(
        "{map} is of another version, and open sessions live by it: they stay bound, new ones are refused\n  help: with the version that ran before, end the open sessions and run `gatekeeper daemon --detach-all`; then start this one",
        map = map.display()
    )]
    OtherVersion {
        /// Where it is pinned.
        map: PathBuf,
    },
    /// A program was refused.
    #[error("{program}: {message}")]
    Program {
        /// Its name.
        program: &'static str,
        /// Why, with the verifier's last words where it was the verifier.
        message: String,
    },
    /// Every slot for a policy is taken.
    #[error("all {0} places for policies are taken: end sessions first")]
    NoSlot(u32),
    /// A layer whose image was retired.
    #[error("layer {0} has no image any more")]
    NoLayer(u32),
    /// A table has no room for more.
    #[error("there are {most} {what} already: no more fit")]
    Full {
        /// What it holds.
        what: &'static str,
        /// How many.
        most: usize,
    },
    /// Planes that don't fit.
    #[error("an image of {0} bytes does not fit the kernel's tables")]
    TooLarge(usize),
}

impl KernelError {
    /// Names the call that an I/O error came from.
    pub fn call(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Call { what, source }
    }
}
