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
    /// Create a socket of a family that no rule can name. Built in, never a rule's.
    Socket = 12,
    /// Change the tree of mounts or the root directory. Built in, never a rule's.
    Mount = 13,
    /// Reach into a task, the kernel or a terminal outside the session. Built in, never a rule's.
    Control = 14,
    /// Let others connect to a socket; judged on the socket's own address.
    Listen = 15,
    /// Take a connection; judged on the socket's own address.
    Accept = 16,
    /// Connect to a UNIX socket of another.
    UnixConnect = 17,
    /// Give a UNIX socket a name.
    UnixBind = 18,
    /// Send a datagram to a UNIX socket of another.
    UnixSend = 19,
    /// Send a signal to a process outside the session.
    Signal = 20,
    /// Use a capability that the task has.
    Capability = 21,
    /// Start a program that changes who runs it: set-user-id, set-group-id or with file capabilities.
    Setuid = 22,
    /// Make an io_uring. Of `[kernel]`, never a rule's.
    Uring = 23,
    /// Make a user namespace. Of `[kernel]`, never a rule's.
    Namespace = 24,
}

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
    /// UNIX sockets.
    Unix = 4,
    /// Signals.
    Signal = 5,
    /// Capabilities.
    Capability = 6,
    /// Kernel features as a whole: allowed or not, without rules.
    Kernel = 7,
}

impl Family {
    /// Every family, in the order of its discriminant.
    pub const ALL: [Self; 8] = [
        Self::Exec,
        Self::File,
        Self::Net,
        Self::Builtin,
        Self::Unix,
        Self::Signal,
        Self::Capability,
        Self::Kernel,
    ];

    /// The word used in policies and output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exec => "exec",
            Self::File => "file",
            Self::Net => "net",
            Self::Builtin => "builtin",
            Self::Unix => "unix",
            Self::Signal => "signal",
            Self::Capability => "capability",
            Self::Kernel => "kernel",
        }
    }
}

impl Operation {
    /// Every operation, in the order of its discriminant.
    pub const ALL: [Self; 25] = [
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
        Self::Listen,
        Self::Accept,
        Self::UnixConnect,
        Self::UnixBind,
        Self::UnixSend,
        Self::Signal,
        Self::Capability,
        Self::Setuid,
        Self::Uring,
        Self::Namespace,
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

    /// Returns the family whose rules and default apply to this operation.
    #[must_use]
    pub const fn family(self) -> Family {
        match self {
            Self::Exec | Self::Setuid => Family::Exec,
            Self::Map
            | Self::Read
            | Self::Write
            | Self::Create
            | Self::Delete
            | Self::Rename
            | Self::Link
            | Self::Metadata => Family::File,
            Self::Connect | Self::Bind | Self::Send | Self::Listen | Self::Accept => Family::Net,
            Self::UnixConnect | Self::UnixBind | Self::UnixSend => Family::Unix,
            Self::Signal => Family::Signal,
            Self::Capability => Family::Capability,
            Self::Uring | Self::Namespace => Family::Kernel,
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
            Self::Listen => "listen",
            Self::Accept => "accept",
            Self::UnixConnect => "unix-connect",
            Self::UnixBind => "unix-bind",
            Self::UnixSend => "unix-send",
            Self::Signal => "signal",
            Self::Capability => "capability",
            Self::Setuid => "setuid",
            Self::Uring => "io_uring",
            Self::Namespace => "user-namespace",
        }
    }

    /// Whether rules decide it in the cells of rows.
    #[must_use]
    pub const fn is_ruled(self) -> bool {
        !matches!(self.family(), Family::Builtin | Family::Kernel | Family::Capability)
    }
}
