//! The limits of a session: how many there are, how large their policies, how long they last.

use std::time::Duration;

use gatekeeper_common::limits::PLANE_SMALL;

use crate::daemon::state::State;
use crate::protocol::bounds::Seconds;
use crate::protocol::messages::PolicyChoice;
use crate::session::policy::SessionPolicy;
use gatekeeper_record::refusal::{Reason, Refusal};
use gatekeeper_record::time::nanos;

/// When a session is ended, in nanoseconds since boot: after the time asked for, never later than the configuration
/// says, nor than the session around it.
pub(super) fn end(
    now: Duration,
    asked: Option<Seconds>,
    longest: Option<Duration>,
    outer: Option<u64>,
) -> Result<Option<u64>, Refusal> {
    let now = nanos(now);
    if outer.is_some_and(|outer| outer <= now) {
        return Err(Refusal::new(Reason::Limit, "the session's time is over"));
    }
    let lasts = [asked.map(Duration::from), longest].into_iter().flatten().min();
    let own = lasts.map(|lasts| now.saturating_add(nanos(lasts)));
    Ok([own, outer].into_iter().flatten().min())
}

/// Checks that the user may have one more session.
pub(super) fn check_count(daemon: &State, uid: u32) -> Result<(), Refusal> {
    let most = daemon.config().sessions_per_user;
    let open = daemon.sessions().values().filter(|session| session.owner.uid == uid).count();
    if open < most {
        return Ok(());
    }
    let message = format!("you have {open} sessions open, and {most} is the limit");
    Err(Refusal::new(Reason::Limit, message).help("end some of them: `gatekeeper sessions` lists them"))
}

/// An image takes kernel memory that is nobody's in particular: large ones are the administrator's to give.
pub(super) fn check_size(compiled: &[(PolicyChoice, SessionPolicy)]) -> Result<(), Refusal> {
    for (choice, compiled) in compiled {
        if matches!(choice, PolicyChoice::Text { .. })
            && compiled.head.len().max(compiled.comb.len()) > PLANE_SMALL
        {
            let message = format!("{}: the policy is too large for a user's own file", compiled.name);
            return Err(Refusal::new(Reason::Limit, message)
                .help("use fewer rules, or have root put it in the policy directories"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_no_later_than_it_may() {
        let end = |asked: Option<u64>, longest: Option<u64>, outer| {
            end(
                Duration::from_nanos(5),
                asked.map(|seconds| seconds.try_into().unwrap()),
                longest.map(Duration::from_secs),
                outer,
            )
            .map_err(drop)
        };
        let seconds = 1_000_000_000;
        assert_eq!(end(None, None, None), Ok(None));
        assert_eq!(end(Some(3), None, None), Ok(Some(3 * seconds + 5)));
        assert_eq!(end(None, Some(2), None), Ok(Some(2 * seconds + 5)));
        assert_eq!(end(Some(3), Some(2), None), Ok(Some(2 * seconds + 5)));
        assert_eq!(end(Some(1), Some(2), None), Ok(Some(seconds + 5)));
        assert_eq!(end(Some(9), None, Some(seconds)), Ok(Some(seconds)));
        assert_eq!(end(None, None, Some(seconds)), Ok(Some(seconds)));
        assert_eq!(end(None, None, Some(5)), Err(()));
    }
}
