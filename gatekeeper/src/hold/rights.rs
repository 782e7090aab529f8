//! The right to decide: by the kernel's word on the peer, and never through a terminal that the governed can type into.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use procfs::process::{FDTarget, Process};

use crate::protocol::peer::Peer;
use crate::sys::{passwd, process};
use gatekeeper_policy::approval::{Approver, Terms};
use gatekeeper_record::decision::Person;
use gatekeeper_record::refusal::{Reason, Refusal};

/// Whether this user may decide a hold of a session of `owner`.
///
/// # Errors
/// [`Reason::Forbidden`] where the user may not.
pub fn may_decide(uid: u32, groups: &[u32], terms: &Terms, owner: Option<u32>) -> Result<(), Refusal> {
    if terms.approvers.is_none() {
        if uid == 0 || owner == Some(uid) {
            return Ok(());
        }
        return Err(Refusal::new(Reason::Forbidden, "only the session's owner or root may decide this"));
    }
    if uid == 0 || is_in_all(uid, groups, terms) {
        return Ok(());
    }
    let one = |list: &[Approver]| {
        let names: Vec<String> = list
            .iter()
            .map(|approver| match approver {
                Approver::User(name) => name.clone(),
                Approver::Group(name) => format!("who is in the group {name}"),
            })
            .collect();
        names.join(", ")
    };
    let names: Vec<String> = terms.lists().map(one).collect();
    let message = format!("this is for {} to decide, or root", names.join(" who is also one of "));
    Err(Refusal::new(Reason::Forbidden, message))
}

/// Whether a user with these groups is in every list of those who may decide.
#[must_use]
pub fn is_in_all(uid: u32, groups: &[u32], terms: &Terms) -> bool {
    terms.lists().all(|list| list.iter().any(|approver| is_named(uid, groups, approver)))
}

/// Whether a user with these groups is the one that is meant, or one of those.
#[must_use]
pub fn is_named(uid: u32, groups: &[u32], approver: &Approver) -> bool {
    match approver {
        Approver::User(name) => passwd::by_name(name).ok().flatten().is_some_and(|user| user.uid == uid),
        Approver::Group(name) => passwd::group(name).ok().flatten().is_some_and(|gid| groups.contains(&gid)),
    }
}

/// The person behind the peer. Refused where a labelled process holds its terminal.
///
/// # Errors
/// [`Reason::Forbidden`] where a labelled process holds the terminal; [`Reason::Failed`] where the peer is gone.
pub fn person(peer: &Peer, labelled: &BTreeSet<u32>) -> Result<Person, Refusal> {
    let failed =
        |error: std::io::Error| Refusal::new(Reason::Failed, format!("looking at the caller: {error}"));
    let stat = process::stat(peer.pid).map_err(failed)?;
    let terminal = terminal_of(stat.tty_nr);
    if let Some(terminal) = terminal
        && labelled.iter().any(|pid| holds(*pid, terminal))
    {
        let message = "a process of a session has this terminal, and could type the answer itself";
        return Err(Refusal::new(Reason::Forbidden, message).help("decide on another terminal"));
    }
    let name =
        passwd::by_uid(peer.uid).map_err(failed)?.map_or_else(|| peer.uid.to_string(), |user| user.name);
    if !peer.still_there().map_err(failed)? {
        return Err(Refusal::new(Reason::Failed, "the caller is gone"));
    }
    Ok(Person { name, program: stat.comm, terminal: terminal.map(device_name), uid: peer.uid })
}

/// Major number of pseudo-terminals (Documentation/admin-guide/devices.txt).
const PTS: u32 = 136;

/// The device number of a controlling terminal, of the field `tty_nr` of /proc/PID/stat; none where that is 0.
fn terminal_of(tty_nr: i32) -> Option<u32> {
    u32::try_from(tty_nr).ok().filter(|number| *number != 0)
}

/// Major and minor number, as /proc/PID/stat packs them (`new_encode_dev`, `include/linux/kdev_t.h`).
fn parts(device: u32) -> (u32, u32) {
    (device >> 8 & 0xfff, device & 0xff | device >> 12 & 0xfff00)
}

fn device_name(device: u32) -> String {
    match parts(device) {
        (major, minor) if (PTS..PTS + 8).contains(&major) => format!("pts/{}", (major - PTS) * 256 + minor),
        (4, minor) => format!("tty{minor}"),
        (major, minor) => format!("{major}:{minor}"),
    }
}

/// Whether a process has this terminal for its own, or the end of it that types.
fn holds(pid: u32, terminal: u32) -> bool {
    let Ok(process) = Process::new(pid.cast_signed()) else { return false };
    if process.stat().is_ok_and(|stat| terminal_of(stat.tty_nr) == Some(terminal)) {
        return true;
    }
    let Ok(files) = process.fd() else { return false };
    let name = device_name(terminal);
    files.flatten().any(|file| {
        let FDTarget::Path(target) = file.target else { return false };
        if target == Path::new("/dev").join(&name) {
            return true;
        }
        let is_master = target == Path::new("/dev/ptmx") || target == Path::new("/dev/pts/ptmx");
        is_master && index_of(&process, file.fd).is_some_and(|index| format!("pts/{index}") == name)
    })
}

/// The index of a master's pseudo-terminal (`tty-index` in fdinfo, `drivers/tty/tty_io.c`, `tty_show_fdinfo`). It alone
/// tells the masters of terminals apart, and procfs opens fdinfo, but does not parse it.
fn index_of(process: &Process, fd: i32) -> Option<u32> {
    let mut fdinfo = String::new();
    process.open_relative(format!("fdinfo/{fd}")).ok()?.read_to_string(&mut fdinfo).ok()?;
    fdinfo.lines().find_map(|line| line.strip_prefix("tty-index:"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_names() {
        assert_eq!(device_name(136 << 8 | 5), "pts/5");
        assert_eq!(device_name(4 << 8 | 1), "tty1");
        assert_eq!(terminal_of(34821), Some(34821));
        assert_eq!(terminal_of(0), None);
    }

    #[test]
    fn the_owner_decides_where_nobody_else_is_named() {
        let terms = Terms::default();
        assert!(may_decide(1000, &[], &terms, Some(1000)).is_ok());
        assert!(may_decide(0, &[], &terms, Some(1000)).is_ok());
        assert!(may_decide(1001, &[], &terms, Some(1000)).is_err());
        assert!(may_decide(1001, &[], &terms, None).is_err());
    }

    #[test]
    fn those_who_are_named_decide_and_the_owner_does_not() {
        let terms = Terms { approvers: Some(vec![Approver::Group("root".into())]), ..Terms::default() };
        assert!(may_decide(1000, &[1000], &terms, Some(1000)).is_err());
        assert!(may_decide(1001, &[1001, 0], &terms, Some(1000)).is_ok());
        let both = Terms { and_approvers: vec![vec![Approver::User("root".into())]], ..terms.clone() };
        assert!(may_decide(1001, &[1001, 0], &both, Some(1000)).is_err(), "in one list of two");
        let nobody =
            Terms { approvers: Some(vec![Approver::User("no-such-user".into())]), ..Terms::default() };
        assert!(may_decide(1000, &[1000], &nobody, Some(1000)).is_err());
    }

    #[test]
    fn a_process_holds_the_master_it_opened() {
        // The test's own process, which has opened no such terminal.
        assert!(!holds(std::process::id(), 136 << 8 | 255));
    }
}
