//! The table of verbs and the classes of callers that may use them.

use crate::protocol::messages::Request;
use crate::protocol::peer::PeerClass;

/// The kind of a request, without its details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Open a session.
    Run,
    /// Label a cgroup.
    Label,
    /// List sessions.
    Sessions,
    /// Read events.
    Events,
    /// Read the state of the daemon and the kernel side.
    Status,
    /// Compile policies anew.
    Reload,
    /// Report an assistant's hook.
    Hook,
    /// Take down a session's terminal.
    Record,
    /// List holds.
    Holds,
    /// Decide holds.
    Decide,
    /// Read the own session's denials.
    Why,
}

/// The reach of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// No answer at all.
    Never,
    /// Only the caller's own sessions.
    Own,
    /// Everything.
    All,
}

/// The table: for each verb the scope of a labelled peer, a user, root.
const TABLE: [(Verb, [Scope; 3]); 11] = {
    use Scope::{All, Never, Own};
    [
        (Verb::Run, [Own, Own, All]),
        (Verb::Label, [Never, Never, All]),
        (Verb::Sessions, [Never, Own, All]),
        (Verb::Events, [Never, Own, All]),
        (Verb::Status, [Never, All, All]),
        (Verb::Reload, [Never, Never, All]),
        // Outside any session it is answered, and nothing is written down.
        (Verb::Hook, [Own, Own, All]),
        (Verb::Record, [Never, Own, All]),
        // Who may decide is for the policy to say, and is looked at hold by hold.
        (Verb::Holds, [Never, All, All]),
        (Verb::Decide, [Never, All, All]),
        (Verb::Why, [Own, Never, Never]),
    ]
};

/// The reach of `verb` for such a caller.
#[must_use]
pub fn scope(class: PeerClass, verb: Verb) -> Scope {
    TABLE
        .iter()
        .find(|(listed, _)| *listed == verb)
        .map_or(Scope::Never, |(_, scopes)| scopes[class as usize])
}

impl Request {
    /// The kind of this request.
    #[must_use]
    pub fn verb(&self) -> Verb {
        match self {
            Self::Run(_) => Verb::Run,
            Self::Label(_) => Verb::Label,
            Self::Sessions {} => Verb::Sessions,
            Self::Events(_) => Verb::Events,
            Self::Status {} => Verb::Status,
            Self::Reload {} => Verb::Reload,
            Self::Hook(_) => Verb::Hook,
            Self::Record(_) => Verb::Record,
            Self::Holds(_) => Verb::Holds,
            Self::Decide(_) => Verb::Decide,
            Self::Why {} => Verb::Why,
        }
    }
}

impl Verb {
    /// The word on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Label => "label",
            Self::Sessions => "sessions",
            Self::Events => "events",
            Self::Status => "status",
            Self::Reload => "reload",
            Self::Hook => "hook",
            Self::Record => "record",
            Self::Holds => "holds",
            Self::Decide => "approve",
            Self::Why => "why",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_governed_can_only_narrow_themselves() {
        for (verb, [labelled, ..]) in TABLE {
            // A hook's report is written down as it came, and changes nothing; the refusals are the caller's own.
            let harmless = matches!(verb, Verb::Run | Verb::Hook | Verb::Why);
            let expected = if harmless { Scope::Own } else { Scope::Never };
            assert_eq!(labelled, expected, "{verb:?}");
        }
    }

    #[test]
    fn an_ordinary_user_governs_nobody_else() {
        assert_eq!(scope(PeerClass::User, Verb::Label), Scope::Never);
        assert_eq!(scope(PeerClass::User, Verb::Reload), Scope::Never);
        assert_eq!(scope(PeerClass::User, Verb::Sessions), Scope::Own);
        assert_eq!(scope(PeerClass::User, Verb::Events), Scope::Own);
        assert_eq!(scope(PeerClass::User, Verb::Status), Scope::All);
    }

    #[test]
    fn root_may_all() {
        for (verb, _) in TABLE.into_iter().filter(|(verb, _)| *verb != Verb::Why) {
            assert_eq!(scope(PeerClass::Root, verb), Scope::All, "{verb:?}");
        }
    }
}
