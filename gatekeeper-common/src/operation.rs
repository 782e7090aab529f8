//! Operations: the things a task asks the kernel for, as a closed list and as bits.

/// One thing a task asks the kernel for. The discriminant is the operation's column in a [`crate::image::Row`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Operation {
    /// Start a program (`bprm_check_security`).
    Exec = 0,
    /// Map a file into memory as executable.
    Map = 1,
    /// Open for reading.
    Read = 2,
    /// Open for writing, truncation included.
    Write = 3,
    /// Make a file, directory, symbolic link, fifo or device node.
    Create = 4,
    /// Remove a file or directory.
    Delete = 5,
    /// Rename; judged on the old path and on the new one.
    Rename = 6,
    /// Make a hard link; judged on the source and on the new name.
    Link = 7,
    /// Change mode, owner, times or extended attributes.
    Metadata = 8,
    /// Connect a socket to an address.
    Connect = 9,
    /// Bind a socket to an address.
    Bind = 10,
    /// Send to an address (UDP, TCP fast open).
    Send = 11,
    /// Create a socket of a family that no rule can speak of. Built in, never a rule's.
    Socket = 12,
    /// Change the tree of mounts or the root directory. Built in, never a rule's.
    Mount = 13,
    /// Reach into a task, the kernel or a terminal outside the session. Built in, never a rule's.
    Control = 14,
}

/// How many operations a rule can speak of: those with a column in a row.
pub const RULED: usize = 12;

/// The part of the system an operation belongs to; one kind of rule and one default each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Family {
    /// Programs.
    Exec = 0,
    /// Files.
    File = 1,
    /// Addresses.
    Net = 2,
    /// Built-in limits no policy changes.
    Builtin = 3,
}

impl Family {
    /// Every family, in the order of its discriminant.
    pub const ALL: [Self; 4] = [Self::Exec, Self::File, Self::Net, Self::Builtin];

    /// The word used in policies and output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exec => "exec",
            Self::File => "file",
            Self::Net => "net",
            Self::Builtin => "builtin",
        }
    }
}

impl Operation {
    /// Every operation, in the order of its discriminant.
    pub const ALL: [Self; 15] = [
        Self::Exec,
        Self::Map,
        Self::Read,
        Self::Write,
        Self::Create,
        Self::Delete,
        Self::Rename,
        Self::Link,
        Self::Metadata,
        Self::Connect,
        Self::Bind,
        Self::Send,
        Self::Socket,
        Self::Mount,
        Self::Control,
    ];

    /// The operation with this discriminant.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(code as usize).copied()
    }

    /// The operation's bit in a set.
    #[must_use]
    #[inline(always)]
    pub const fn bit(self) -> u32 {
        1 << self as u32
    }

    /// The family whose rules and default speak of this operation.
    #[must_use]
    pub const fn family(self) -> Family {
        match self {
            Self::Exec => Family::Exec,
            Self::Map
            | Self::Read
            | Self::Write
            | Self::Create
            | Self::Delete
            | Self::Rename
            | Self::Link
            | Self::Metadata => Family::File,
            Self::Connect | Self::Bind | Self::Send => Family::Net,
            Self::Socket | Self::Mount | Self::Control => Family::Builtin,
        }
    }

    /// The word used in policies and output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exec => "exec",
            Self::Map => "map",
            Self::Read => "read",
            Self::Write => "write",
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Rename => "rename",
            Self::Link => "link",
            Self::Metadata => "metadata",
            Self::Connect => "connect",
            Self::Bind => "bind",
            Self::Send => "send",
            Self::Socket => "socket",
            Self::Mount => "mount",
            Self::Control => "control",
        }
    }
}
