//! Questions to a policy, in the kernel's own terms.

use std::net::SocketAddr;

use gatekeeper_common::image::Protocol;
use gatekeeper_common::limits::{COMPONENTS, NAME_BYTES, PATH_BYTES};
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Cause;

/// An operation that a task asks for, and its object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Start a program.
    Exec(Start),
    /// Use the file at this real path in all these ways at once.
    File(Vec<u8>, Vec<Operation>),
    /// Use an address.
    Net(SocketAddr, Protocol, Operation),
    /// Use a UNIX socket, by the real path of its file, or by a NUL and its abstract name.
    Unix(Vec<u8>, Operation),
    /// Send this signal to a process that runs the program at this real path.
    Signal(u8, Vec<u8>),
    /// Use the capability with this number.
    Capability(u8),
}

/// The start of a program.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Start {
    /// Its real path.
    pub program: Vec<u8>,
    /// Its arguments, with the name it is called by as the first.
    pub argv: Vec<Vec<u8>>,
    /// Names of the environment variables that are set.
    pub env: Vec<Vec<u8>>,
    /// Whether it changes who runs it.
    pub setuid: bool,
    /// Bytes of arguments that stand in memory when it runs, where they are more than these: a script's
    /// interpreter is given its own before them.
    pub memory: usize,
}

impl Start {
    /// The name that it is called by and its arguments, each closed by a NUL.
    #[must_use]
    pub fn word(&self) -> Vec<u8> {
        // The kernel starts no program without a name (fs/exec.c `do_execveat_common`, Linux 5.18).
        let no_name = self.argv.is_empty().then_some(0);
        self.argv.iter().flat_map(|word| word.iter().copied().chain([0])).chain(no_name).collect()
    }

    /// Bytes of all arguments, with their NULs.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.word().len().max(self.memory)
    }
}

impl Question {
    /// Starting this program by its path, with no arguments.
    #[must_use]
    pub fn exec(program: &[u8]) -> Self {
        Self::Exec(Start { program: program.to_vec(), argv: vec![program.to_vec()], ..Start::default() })
    }

    /// The cause for which the kernel denies it without asking a rule: a path that it does not resolve.
    #[must_use]
    pub fn unresolved(&self) -> Option<Cause> {
        let path = match self {
            Self::Exec(Start { program: path, .. }) | Self::File(path, _) | Self::Signal(_, path) => path,
            Self::Unix(word, _) if !word.starts_with(&[0]) => word,
            _ => return None,
        };
        let mut names = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
        if path.len() > PATH_BYTES || names.clone().any(|name| name.len() > NAME_BYTES) {
            return Some(Cause::TooLong);
        }
        names.nth(COMPONENTS as usize).map(|_| Cause::TooDeep)
    }

    /// The operations asked for.
    #[must_use]
    pub fn operations(&self) -> Vec<Operation> {
        match self {
            Self::Exec(Start { setuid: true, .. }) => vec![Operation::Exec, Operation::Setuid],
            Self::Exec(_) => vec![Operation::Exec],
            Self::File(_, operations) => operations.clone(),
            Self::Net(_, _, operation) | Self::Unix(_, operation) => vec![*operation],
            Self::Signal(..) => vec![Operation::Signal],
            Self::Capability(_) => vec![Operation::Capability],
        }
    }
}
