//! Verdicts, the cells that carry them, and why an operation was denied without a rule.

use bytemuck::{Pod, Zeroable};

/// Decision on an operation. The codes lie far apart, so that no single flipped bit turns one
/// verdict into another, and rise with strictness, so that the strictest is the largest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Verdict {
    /// Let it pass.
    Allow = 0x11,
    /// Let it pass and record it.
    Audit = 0x3c,
    /// Ask a person: the operation is held until there is a decision.
    Ask = 0x69,
    /// Refuse it with EPERM.
    Deny = 0xd2,
}

impl Verdict {
    /// Every verdict, from the mildest to the strictest.
    pub const ALL: [Self; 4] = [Self::Allow, Self::Audit, Self::Ask, Self::Deny];

    /// The verdict with this code.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0x11 => Some(Self::Allow),
            0x3c => Some(Self::Audit),
            0x69 => Some(Self::Ask),
            0xd2 => Some(Self::Deny),
            _ => None,
        }
    }

    /// The word used in policies and output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Audit => "audit",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

/// The largest number a rule can have; one above it stands for "the default".
pub const RULE_LAST: u32 = 0x007f_fffd;
/// Number in a cell where no rule applied and `[defaults]` decided.
pub const RULE_DEFAULT: u32 = 0x007f_fffe;

/// A verdict and the rule that gave it, packed so that the stricter of two cells is the larger number
/// and, between equals, the rule that comes first in the policy. Zero means that no rule applied.
///
/// The lowest bit says that the operation may only pass if it can be recorded. It belongs to no verdict: it
/// stays where it is joined with a stricter cell that lacks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Pod, Zeroable)]
#[repr(transparent)]
pub struct Cell(pub u32);

impl Cell {
    /// No rule applied.
    pub const NO_RULE: Self = Self(0);

    /// A verdict given by a rule (0 to [`RULE_LAST`]) or by the default ([`RULE_DEFAULT`]).
    #[must_use]
    #[inline(always)]
    pub const fn new(verdict: Verdict, rule: u32) -> Self {
        Self((verdict as u32) << 24 | (0x007f_ffff - (rule & 0x007f_ffff)) << 1)
    }

    /// The same, for what may only pass if it can be recorded.
    #[must_use]
    #[inline(always)]
    pub const fn required(self) -> Self {
        Self(self.0 | 1)
    }

    /// Whether the operation may only pass if it can be recorded.
    #[must_use]
    #[inline(always)]
    pub const fn is_required(self) -> bool {
        self.0 & 1 != 0
    }

    /// This cell, required where `other` is.
    #[must_use]
    #[inline(always)]
    pub const fn required_as(self, other: Self) -> Self {
        Self(self.0 | other.0 & 1)
    }

    /// This cell's rule, denying.
    #[must_use]
    #[inline(always)]
    pub const fn denying(self) -> Self {
        Self((Verdict::Deny as u32) << 24 | (self.0 & 0x00ff_ffff))
    }

    /// The verdict's code; not one of [`Verdict`]'s where no rule matched or the cell is damaged.
    #[must_use]
    #[inline(always)]
    pub const fn code(self) -> u8 {
        (self.0 >> 24) as u8
    }

    /// The verdict, or `None` where no rule matched or the cell is damaged.
    #[must_use]
    pub const fn verdict(self) -> Option<Verdict> {
        Verdict::from_code(self.code())
    }

    /// The number of the rule that decided, or [`RULE_DEFAULT`].
    #[must_use]
    #[inline(always)]
    pub const fn rule(self) -> u32 {
        0x007f_ffff - ((self.0 & 0x00ff_ffff) >> 1)
    }

    /// The stricter of two; between equal verdicts, the earlier rule. Required where one of them is.
    #[must_use]
    #[inline(always)]
    pub const fn strictest(self, other: Self) -> Self {
        let stricter = if self.0 >= other.0 { self } else { other };
        stricter.required_as(self).required_as(other)
    }

    /// This cell, or `default` where no rule applied.
    #[must_use]
    #[inline(always)]
    pub const fn or(self, default: Self) -> Self {
        if self.0 == 0 { default } else { self }
    }
}

/// Returns the cell of an executable mapping, from the cells of exec rules and file rules for the file.
///
/// A file rule that names `map` decides, or else an exec rule that allows the very file; but an
/// exec rule that denies or asks about the file denies mapping it, so that starting a program through
/// the dynamic loader can't do what starting it can't. Where its arguments matter
/// ([`crate::image::ARGUMENTS`]), being allowed to start it gives no right to map it: a mapping has none.
#[must_use]
#[inline(always)]
pub const fn map_cell(exec: Cell, map: Cell, arguments_matter: bool) -> Cell {
    if exec.code() >= Verdict::Ask as u8 {
        return exec.denying();
    }
    if arguments_matter { map } else { map.or(exec) }
}

/// Cause of a denial where no rule denied the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Cause {
    /// A rule or a default decided; nothing out of the way.
    Policy = 0,
    /// The rule says ask: it waits for a decision.
    Held = 1,
    /// The path has more components or mounts than the limit.
    TooDeep = 2,
    /// The path or a name in it is longer than the limit.
    TooLong = 3,
    /// The file lies on a mount outside the task's mount namespace, or on none.
    Detached = 4,
    /// A kernel structure could not be read.
    Unreadable = 5,
    /// The address family is one no rule can name.
    AddressFamily = 6,
    /// The address is shorter than its family needs.
    ShortAddress = 7,
    /// The image of one of the task's layers is not there or not its own.
    NoPolicy = 8,
    /// A table of the image holds what it should not.
    Corrupt = 9,
    /// No scratch buffer or label could be had.
    NoMemory = 10,
    /// More than [`crate::limits::LAYERS`] layers came together on one task.
    TooManyLayers = 11,
    /// Built in: no policy can allow it to a labelled task.
    Builtin = 12,
    /// The arguments or the environment of a program are longer than the limit, or could not be read.
    Arguments = 13,
    /// It has to be recorded and can't be.
    Unrecorded = 14,
    /// The rule says ask, and a hold was decided so.
    Decided = 15,
    /// The rule says ask, and what asks can't be stopped half-way.
    CantHold = 16,
    /// The rule says ask, and as much as can be asked at once is being asked.
    TooManyHolds = 17,
    /// The program that runs is not the one that was approved.
    Changed = 18,
}

impl Cause {
    /// Every cause, in the order of its discriminant.
    pub const ALL: [Self; 19] = [
        Self::Policy,
        Self::Held,
        Self::TooDeep,
        Self::TooLong,
        Self::Detached,
        Self::Unreadable,
        Self::AddressFamily,
        Self::ShortAddress,
        Self::NoPolicy,
        Self::Corrupt,
        Self::NoMemory,
        Self::TooManyLayers,
        Self::Builtin,
        Self::Arguments,
        Self::Unrecorded,
        Self::Decided,
        Self::CantHold,
        Self::TooManyHolds,
        Self::Changed,
    ];

    /// The cause with this discriminant.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(code as usize).copied()
    }

    /// Returns the cause in words, for people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Held => "held for a decision",
            Self::TooDeep => "path too deep",
            Self::TooLong => "path too long",
            Self::Detached => "detached or foreign mount",
            Self::Unreadable => "kernel structure unreadable",
            Self::AddressFamily => "unknown address family",
            Self::ShortAddress => "address too short",
            Self::NoPolicy => "policy image missing",
            Self::Corrupt => "policy image corrupt",
            Self::NoMemory => "no memory for the check",
            Self::TooManyLayers => "too many layers",
            Self::Builtin => "never allowed in a session",
            Self::Arguments => {
                "arguments unreadable, too long to be shown, or not decided within `[defaults] arguments` bytes"
            }
            Self::Unrecorded => "it has to be recorded and can't be",
            Self::Decided => "decided",
            Self::CantHold => "can't be held for a decision",
            Self::TooManyHolds => "too many holds",
            Self::Changed => "not what was approved",
        }
    }
}
