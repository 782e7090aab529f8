//! Holds: what waits in the kernel, the decisions it is given, and the approvals for more than once.

use std::fmt::Debug;
use std::os::fd::AsFd;

use bytemuck::Zeroable;
use gatekeeper_common::hold::{Grant, Hold, Scope, State, TableKey};
use gatekeeper_common::limits::GRANTS_PER_SESSION;
use gatekeeper_common::verdict::Verdict;

use super::{Kernel, KernelError};
use crate::sys::bpf::{delete, lookup, update, values};

/// Holds: operations that wait in the kernel, and what is decided of them.
pub trait Holds: Debug {
    /// Every hold that waits for a decision, or whose answer its task has not got yet.
    ///
    /// # Errors
    /// Where the table can't be read.
    fn holds(&self) -> Result<Vec<Hold>, KernelError>;

    /// Lets a hold pass once, or refuses it, as soon as its task asks again.
    ///
    /// # Errors
    /// Where the kernel refuses.
    fn decide(&mut self, hold: u64, passes: bool) -> Result<(), KernelError>;

    /// Takes back a decision that nobody will ask for any more.
    ///
    /// # Errors
    /// Where the kernel refuses.
    fn forget(&mut self, hold: u64) -> Result<(), KernelError>;

    /// Approves what a hold asks, or all that its rule asks about, for its session until a moment after boot in
    /// nanoseconds.
    ///
    /// # Errors
    /// Where the session has as many approvals as it can, or the kernel refuses.
    fn grant(&mut self, hold: &Hold, scope: Scope, until: u64, now: u64) -> Result<(), KernelError>;

    /// A place for one more approval of a hold's session.
    ///
    /// # Errors
    /// Where the session has as many as it can, or they can't be read.
    fn room(&self, hold: &Hold, now: u64) -> Result<TableKey, KernelError>;

    /// Takes away the approvals of a session that is over.
    ///
    /// # Errors
    /// Where the table can't be changed.
    fn revoke(&mut self, session: u64) -> Result<(), KernelError>;
}

impl Holds for Kernel {
    fn holds(&self) -> Result<Vec<Hold>, KernelError> {
        let all = values::<Hold>(self.maps.holds.as_fd(), size_of::<TableKey>());
        let mut found = all.map_err(KernelError::call("reading the holds"))?;
        found.retain(|hold| hold.state == State::Waiting as u32);
        found.sort_by_key(|hold| hold.event.sequence);
        Ok(found)
    }

    fn decide(&mut self, hold: u64, passes: bool) -> Result<(), KernelError> {
        let verdict = if passes { Verdict::Allow } else { Verdict::Deny } as u64;
        update(self.maps.decisions.as_fd(), &hold.to_ne_bytes(), &verdict.to_ne_bytes())
            .map_err(KernelError::call(format!("deciding hold {hold}")))
    }

    fn forget(&mut self, hold: u64) -> Result<(), KernelError> {
        delete(self.maps.decisions.as_fd(), &hold.to_ne_bytes())
            .map_err(KernelError::call(format!("forgetting hold {hold}")))
            .map(drop)
    }

    fn grant(&mut self, hold: &Hold, scope: Scope, until: u64, now: u64) -> Result<(), KernelError> {
        let place = self.room(hold, now)?;
        let grant = Grant { until, scope: scope as u32, pad: 0, hold: *hold };
        update(self.maps.grants.as_fd(), bytemuck::bytes_of(&place), bytemuck::bytes_of(&grant))
            .map_err(KernelError::call(format!("granting hold {}", hold.event.sequence)))
    }

    fn room(&self, hold: &Hold, now: u64) -> Result<TableKey, KernelError> {
        let map = self.maps.grants.as_fd();
        for index in 0..GRANTS_PER_SESSION {
            let place = TableKey { session: hold.event.session, index, pad: 0 };
            let mut there = Grant::zeroed();
            let taken = lookup(map, bytemuck::bytes_of(&place), bytemuck::bytes_of_mut(&mut there))
                .map_err(KernelError::call("reading the grants"))?;
            if !taken || is_over(&there, hold, now) {
                return Ok(place);
            }
        }
        Err(KernelError::Full { entries: "approvals of this session", limit: GRANTS_PER_SESSION as usize })
    }

    fn revoke(&mut self, session: u64) -> Result<(), KernelError> {
        for index in 0..GRANTS_PER_SESSION {
            let place = TableKey { session, index, pad: 0 };
            delete(self.maps.grants.as_fd(), bytemuck::bytes_of(&place))
                .map_err(KernelError::call("revoking a grant"))?;
        }
        Ok(())
    }
}

/// Whether an approval covers nothing any more: its time is over, or its policy was replaced.
fn is_over(grant: &Grant, hold: &Hold, now: u64) -> bool {
    let (then, since) = (&grant.hold.event, &hold.event);
    grant.until <= now || (then.serial == since.serial && then.generation < since.generation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approval_ends_with_its_time_and_with_its_policy() {
        let (mut grant, mut hold) = (Grant::zeroed(), Hold::zeroed());
        (grant.until, grant.hold.event.serial, grant.hold.event.generation) = (100, 3, 7);
        (hold.event.serial, hold.event.generation) = (3, 7);
        assert!(!is_over(&grant, &hold, 99));
        assert!(is_over(&grant, &hold, 100));
        hold.event.generation = 8;
        assert!(is_over(&grant, &hold, 99));
        // Another layer's policy says nothing of this one's.
        hold.event.serial = 4;
        assert!(!is_over(&grant, &hold, 99));
    }
}
