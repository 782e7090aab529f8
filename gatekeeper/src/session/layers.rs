//! The policies that a new session adds.

use crate::config::Config;
use crate::protocol::messages::PolicyChoice;

/// The kind of user that opens the session, for the choice of policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requester {
    /// A task in a session: whatever it brings lies on top of what binds it already.
    Nested,
    /// An ordinary user: may pick what the administrator provides, or narrow the default further.
    User,
    /// Root: is the administrator.
    Root,
}

/// The policies to compile, outermost first.
#[must_use]
pub fn choose(config: &Config, requester: Requester, asked: Option<PolicyChoice>) -> Vec<PolicyChoice> {
    let default = || PolicyChoice::Name(config.default_policy.clone());
    let mut chosen = Vec::new();
    if requester != Requester::Nested {
        chosen.extend(config.floor.clone().map(PolicyChoice::Name));
    }
    match asked {
        None => chosen.push(default()),
        Some(file @ PolicyChoice::Text { .. }) => {
            if requester == Requester::User {
                chosen.push(default());
            }
            chosen.push(file);
        }
        Some(name) => chosen.push(name),
    }
    // A policy twice says no more than once.
    chosen.dedup();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> PolicyChoice {
        PolicyChoice::Name(name.into())
    }

    fn file() -> PolicyChoice {
        PolicyChoice::Text { file: "mine.toml".into(), text: String::new() }
    }

    #[test]
    fn a_users_own_file_only_narrows() {
        let config = Config { floor: Some("base".into()), ..Config::default() };
        let usual = name("coding-assistant");
        let cases = [
            (Requester::User, None, vec![name("base"), usual.clone()]),
            (Requester::User, Some(name("read-only")), vec![name("base"), name("read-only")]),
            (Requester::User, Some(file()), vec![name("base"), usual.clone(), file()]),
            (Requester::Root, Some(file()), vec![name("base"), file()]),
            (Requester::Nested, Some(file()), vec![file()]),
            (Requester::Nested, None, vec![usual.clone()]),
        ];
        for (requester, asked, expected) in cases {
            assert_eq!(choose(&config, requester, asked.clone()), expected, "{requester:?} {asked:?}");
        }
    }

    #[test]
    fn the_same_policy_is_not_laid_twice() {
        let config = Config { floor: Some("coding-assistant".into()), ..Config::default() };
        assert_eq!(choose(&config, Requester::User, None), [name("coding-assistant")]);
    }
}
