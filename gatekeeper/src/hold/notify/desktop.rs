//! Notices on the desktops of those who may decide, through their own session buses and as themselves.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tracing::debug;

use super::text;
use crate::hold::helper;
use crate::hold::rights;
use crate::sys::passwd::{self, Entry};
use gatekeeper_policy::trusted;
use gatekeeper_record::held::Held;

/// systemd's client of the bus: where there is a session bus, so it is.
const CLIENT: &str = "/usr/bin/busctl";
/// Time that the client has.
const TIME: Duration = Duration::from_secs(5);
/// Clients at a time; notices beyond are dropped.
const AT_ONCE: usize = 4;

thread_local! {
    static TURNS: Rc<Semaphore> = Rc::new(Semaphore::new(AT_ONCE));
}

/// Notifies all who may decide and have a desktop.
pub fn notify(held: &Held, link: Option<&str>) {
    let words = words(held, link);
    for (user, address) in people(held, Path::new("/run/user")) {
        let mut words = words.clone();
        words.insert(0, format!("--address=unix:path={address}"));
        tokio::task::spawn_local(async move {
            let turns = TURNS.with(Rc::clone);
            let Ok(_turn) = turns.try_acquire() else { return };
            let client = Path::new(CLIENT);
            if let Err(error) = trusted::program(client) {
                return debug!("no notices on desktops: {error}");
            }
            let answer = helper::ask(client, &words, &[], &user, b"", TIME).await;
            match answer {
                Ok(output) if output.status.success() => {}
                Ok(output) => {
                    let why = String::from_utf8_lossy(&output.complaint).into_owned();
                    debug!("a notice on the desktop of {}: {}", user.name, why.trim());
                }
                Err(error) => debug!("a notice on the desktop of {}: {error}", user.name),
            }
        });
    }
}

/// Those for whom a hold is, and their buses: the owner, where nobody is named, and else who is named or in a group
/// that is. Root, who may decide everything, is asked where root is meant.
fn people(held: &Held, folder: &Path) -> Vec<(Entry, String)> {
    let Ok(users) = fs::read_dir(folder) else { return Vec::new() };
    let uids = users.flatten().filter_map(|user| user.file_name().to_str()?.parse().ok());
    let here = uids.filter_map(|uid| passwd::by_uid(uid).ok().flatten());
    here.filter_map(|user| bus(&user, folder).map(|bus| (user, bus)))
        .filter(|(user, _)| is_for(user, held))
        .collect()
}

fn is_for(user: &Entry, held: &Held) -> bool {
    if held.terms.approvers.is_none() {
        return held.event.owner == Some(user.uid);
    }
    let groups = passwd::groups_of(user).unwrap_or_default();
    rights::is_in_all(user.uid, &groups, &held.terms)
}

/// The session bus of a user, if it is theirs.
fn bus(user: &Entry, folder: &Path) -> Option<String> {
    let path = folder.join(user.uid.to_string()).join("bus");
    let about = fs::symlink_metadata(&path).ok()?;
    let theirs = about.file_type().is_socket() && about.uid() == user.uid;
    path.to_str().filter(|_| theirs).map(str::to_owned)
}

/// The call, as busctl(1) takes it (Desktop Notifications Specification, `Notify`): no action, urgent, gone when the
/// hold is.
fn words(held: &Held, link: Option<&str>) -> Vec<String> {
    let title = format!("{} waits for you", text::who(held));
    let link = link.map(|link| format!("\n{link}")).unwrap_or_default();
    let body = format!("{}\n{}{link}", text::request(held), text::decide(held));
    let milliseconds = held.seconds_left.saturating_mul(1000).min(i32::MAX as u64).to_string();
    let name = "org.freedesktop.Notifications";
    let words = [
        "--timeout=4",
        "--",
        "call",
        name,
        "/org/freedesktop/Notifications",
        name,
        "Notify",
        "susssasa{sv}i",
        "gatekeeper",
        "0",
        "dialog-password",
        &title,
        &body,
        "0",
        "1",
        "urgency",
        "y",
        "2",
        &milliseconds,
    ];
    words.map(str::to_owned).to_vec()
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::hold::notify::tests::held;
    use gatekeeper_policy::approval::Approver;

    #[test]
    fn there_is_nothing_to_press_and_nothing_to_follow_but_ours() {
        let mut held = held();
        held.arguments = Some(vec!["<a href=\"https://evil.example/\">yes</a>".into(), "\u{202e}x".into()]);
        let words = words(&held, Some("https://bastion.example.org/holds/17"));
        let (title, body) = (&words[11], &words[12]);
        assert!(title.ends_with("waits for you"), "{title}");
        assert!(
            !body.contains('<') && !body.contains("https://evil") && !body.contains('\u{202e}'),
            "{body}"
        );
        assert!(body.ends_with("gatekeeper show 17\nhttps://bastion.example.org/holds/17"), "{body}");
        assert_eq!(words[13], "0", "an action");
    }

    #[test]
    fn a_notice_is_for_whom_the_hold_is() {
        let user = crate::hold::helper::tests::somebody();
        let mut held = held();
        held.event.owner = Some(user.uid);
        assert!(is_for(&user, &held));
        held.event.owner = Some(user.uid + 1);
        assert!(!is_for(&user, &held));
        let mut named = |approver| {
            held.terms.approvers = Some(vec![approver]);
            is_for(&user, &held)
        };
        assert!(named(Approver::User(user.name.clone())));
        assert!(!named(Approver::User("no-such-user".into())));
        assert!(!named(Approver::Group("no-such-group".into())));
        let root = passwd::by_uid(0).unwrap().unwrap();
        held.terms.approvers = Some(vec![Approver::Group("root".into())]);
        assert!(is_for(&root, &held) && !is_for(&user, &held));
    }

    #[test]
    fn a_bus_is_a_socket_of_the_users_own() {
        let folder = tempfile::tempdir().unwrap();
        let user = crate::hold::helper::tests::somebody();
        let own = folder.path().join(user.uid.to_string());
        std::fs::create_dir(&own).unwrap();
        assert_eq!(bus(&user, folder.path()), None);
        std::fs::write(own.join("bus"), "").unwrap();
        assert_eq!(bus(&user, folder.path()), None);
        std::fs::remove_file(own.join("bus")).unwrap();
        let _bus = UnixListener::bind(own.join("bus")).unwrap();
        std::os::unix::fs::chown(own.join("bus"), Some(user.uid), None).unwrap();
        assert!(bus(&user, folder.path()).is_some());
        let other = Entry { uid: user.uid + 1, ..user };
        assert_eq!(bus(&other, folder.path()), None);
    }
}
