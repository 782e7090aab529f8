//! The state of the daemon and of the kernel side, as `gatekeeper status` shows it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use gatekeeper_common::counters::{SEQUENCE, UNLABELLED, denied, lost};
use gatekeeper_common::operation::Family;
use gatekeeper_common::verdict::Cause;
use serde::{Deserialize, Serialize};

use gatekeeper_kernel::{AttachType, Unsupported};
use gatekeeper_record::record::{FamilyName, cause_word};
use gatekeeper_trail::export::ExportState;
use gatekeeper_trail::writer_thread::Health;

/// The state of the daemon and the kernel side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// gatekeeper's version.
    pub version: String,
    /// Whether sessions can be opened.
    pub ready: bool,
    /// If not, why.
    pub refusal: Option<String>,
    /// The remedy.
    pub help: Option<String>,
    /// Every hook.
    pub hooks: Vec<HookState>,
    /// Parts that this kernel can't enforce, or judges in another way than others.
    #[serde(default)]
    pub unsupported: Vec<Unsupported>,
    /// The kernel's counters; absent where it could not be asked.
    pub counters: Option<Counters>,
    /// Sessions open.
    pub sessions: usize,
    /// Records that could not be written down and are not yet accounted for.
    pub unwritten: u64,
    /// The audit trail.
    pub trail: TrailState,
    /// The other receivers of records.
    #[serde(default)]
    pub exports: Vec<ExportState>,
    /// Notices of holds through a webhook, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notices: Option<NoticeState>,
    /// The folder in which programs, links and maps are pinned.
    pub pins: PathBuf,
    /// The policy of a session that names none.
    pub default_policy: String,
    /// The policy under every session.
    pub floor: Option<String>,
}

/// The text in place of an error of another system: it holds the other end's answer, and may hold addresses.
const FOR_ROOT: &str = "`sudo gatekeeper status` shows why";

impl Status {
    /// The same for others than root: that an export or a webhook fails, and not why.
    #[must_use]
    pub fn without_errors_of_others(mut self) -> Self {
        let exports = self.exports.iter_mut().map(|export| &mut export.error);
        let notices = self.notices.iter_mut().map(|notices| &mut notices.error);
        for error in exports.chain(notices).filter_map(Option::as_mut) {
            FOR_ROOT.clone_into(error);
        }
        self
    }
}

/// The state of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailState {
    /// Records in it.
    pub records: u64,
    /// Records under a signature.
    pub signed: u64,
    /// Records of what passed on the promise that it is recorded, and that wait for room.
    #[serde(default)]
    pub pending_required: u64,
    /// The error that keeps it from being written, if any.
    pub error: Option<String>,
}

impl TrailState {
    /// The trail's own account of itself.
    #[must_use]
    pub fn of(health: &Health) -> Self {
        Self {
            records: health.size(),
            signed: health.signed(),
            pending_required: health.owed(),
            error: health.trouble(),
        }
    }
}

/// One hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookState {
    /// Its name.
    pub hook: String,
    /// The way its program is attached.
    pub attach_type: AttachType,
    /// Whether it enforces.
    pub state: HookLiveness,
    /// If not, why, and the help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `Liveness` of the kernel crate, without its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookLiveness {
    /// Its canary was denied what the control was allowed.
    Live,
    /// Attached; it refuses nothing that a canary could try.
    Attached,
    /// Attached, not yet proved.
    Untested,
    /// A hook that does not fire.
    Dead,
}

/// The kernel's counters since the maps were made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Events made, lost ones included.
    pub events: u64,
    /// Events that found no room, by family; only those that are not 0.
    pub lost: BTreeMap<FamilyName, u64>,
    /// Operations denied where no rule denied them, by cause; only those that are not 0.
    pub denied: BTreeMap<String, u64>,
    /// Births refused because the label could not be stored.
    pub unlabelled: u64,
}

impl Counters {
    /// The kernel's counters, by [`gatekeeper_common::counters`] index.
    #[must_use]
    pub fn read(values: &[u64]) -> Self {
        let value = |index: u32| values.get(index as usize).copied().unwrap_or(0);
        let some = |count: &u64| *count > 0;
        let lost = Family::ALL.map(|family| (FamilyName::from(family), value(lost(family))));
        let denied = Cause::ALL.map(|cause| (cause_word(cause).to_owned(), value(denied(cause))));
        Self {
            events: value(SEQUENCE),
            lost: lost.into_iter().filter(|(_, count)| some(count)).collect(),
            denied: denied.into_iter().filter(|(_, count)| some(count)).collect(),
            unlabelled: value(UNLABELLED),
        }
    }
}

/// The state of a webhook, for `gatekeeper status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeState {
    /// Notices taken by the receiver.
    pub sent: u64,
    /// Notices given up: too many waited, or their time was over.
    pub dropped: u64,
    /// The error of the last attempt, if it failed.
    pub error: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_than_root_see_that_an_export_fails_and_not_why() {
        let error = || Some("https://hooks.example.org: 403 Forbidden s3cret".to_owned());
        let exports = [error(), None].map(|error| ExportState { error, ..ExportState::default() });
        let status = Status {
            version: String::new(),
            ready: true,
            refusal: None,
            help: None,
            hooks: Vec::new(),
            unsupported: Vec::new(),
            counters: None,
            sessions: 0,
            unwritten: 0,
            trail: TrailState { records: 0, signed: 0, pending_required: 0, error: None },
            exports: exports.to_vec(),
            notices: Some(NoticeState { error: error(), ..NoticeState::default() }),
            pins: PathBuf::new(),
            default_policy: String::new(),
            floor: None,
        };
        let shown = status.without_errors_of_others();
        assert!(shown.exports[0].error.is_some() && shown.exports[1].error.is_none());
        let text = serde_json::to_string(&shown).unwrap();
        assert!(!text.contains("s3cret") && !text.contains("example.org"), "{text}");
    }

    #[test]
    fn only_what_happened_is_counted_out() {
        let mut values = vec![0; 64];
        values[SEQUENCE as usize] = 12;
        values[denied(Cause::TooDeep) as usize] = 2;
        let counters = Counters::read(&values);
        assert_eq!(counters.events, 12);
        assert!(counters.lost.is_empty());
        assert_eq!(counters.denied.get("too_deep"), Some(&2));
    }
}
