//! The part of a stored record that all kinds have.

use serde::{Deserialize, Serialize};

use super::integrity::{Attestation, Fingerprint, Metadata, PrevEvent, Product};
use super::line::{LOG_VERSION, Line, VERSION};
use super::objects::Device;
use super::text::Text;
use super::unmapped::{Kind, Unmapped};
use gatekeeper_record::time::Moment;

/// The parts that are the same in all records of one daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The machine's name.
    pub host: String,
    /// The kernel's id of the boot.
    pub boot: String,
    /// The trail's name, and its key's.
    pub origin: String,
}

/// The place of a record in the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its number, from 0.
    pub index: u64,
    /// The record before.
    pub before: Option<Link>,
}

/// The record before, as the next one names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Its class and activity.
    pub type_uid: u32,
    /// Its fingerprint, in hexadecimal.
    pub fingerprint: String,
}

/// The parts that depend on the kind of record.
pub struct Class<'a> {
    pub uid: u16,
    pub activity: u8,
    pub name: Text<'a>,
    pub message: String,
    pub time: Moment,
    pub success: bool,
    pub severity: u8,
    pub kind: Kind,
}

impl Fingerprint<'_> {
    /// A fingerprint with this value.
    #[must_use]
    pub fn of(value: &str) -> Fingerprint<'_> {
        Fingerprint { algorithm_id: 3, serialization_id: 2, value: value.into() }
    }
}

impl<'a> Line<'a> {
    /// Returns a record with what every one has; the rest is for the caller to fill in.
    pub fn base(class: Class<'a>, machine: &'a Machine, place: &'a Place) -> Self {
        let Class { uid, activity, name, message, time, success, severity, kind } = class;
        let before = place.before.as_ref().map(|link| PrevEvent {
            fingerprint: Fingerprint::of(&link.fingerprint),
            type_uid: link.type_uid,
            uid: (place.index - 1).to_string().into(),
        });
        Self {
            action: None,
            action_id: None,
            activity_id: activity,
            activity_name: name,
            actor: None,
            ai_agent: None,
            api: None,
            app: None,
            attestation_list: [Attestation {
                authority_uid: machine.origin.as_str().into(),
                chain_uid: machine.origin.as_str().into(),
                fingerprint: None,
                prev_event: before,
            }],
            category_uid: (uid / 1000) as u8,
            class_uid: uid,
            connection_info: None,
            device: Device {
                boot_uid: machine.boot.as_str().into(),
                hostname: machine.host.as_str().into(),
                type_id: 0,
            },
            disposition: None,
            disposition_id: None,
            dst_endpoint: None,
            entity: None,
            file: None,
            firewall_rule: None,
            is_alert: None,
            kernel: None,
            log_name: None,
            message: message.into(),
            message_context: None,
            metadata: Metadata {
                log_name: machine.origin.as_str().into(),
                log_version: Some(LOG_VERSION.into()),
                original_event_uid: None,
                product: product(),
                profiles: ["host", "record_integrity", "datetime"].map(Text::from).to_vec(),
                sequence: place.index,
                uid: place.index.to_string().into(),
                version: VERSION.into(),
            },
            policy: None,
            process: None,
            severity: severity_word(severity).into(),
            severity_id: severity,
            src_endpoint: None,
            status: if success { "Success" } else { "Failure" }.into(),
            status_code: None,
            status_detail: None,
            status_id: if success { 1 } else { 2 },
            time: time.micros().div_euclid(1000),
            time_dt: time,
            type_uid: u32::from(uid) * 100 + u32::from(activity),
            unmapped: Unmapped::of(kind),
        }
    }
}

/// gatekeeper, as the maker of a record.
pub fn product<'a>() -> Product<'a> {
    Product {
        feature: None,
        name: "gatekeeper".into(),
        vendor_name: "gatekeeper".into(),
        version: env!("CARGO_PKG_VERSION").into(),
    }
}

fn severity_word(severity: u8) -> &'static str {
    match severity {
        1 => "Informational",
        2 => "Low",
        3 => "Medium",
        4 => "High",
        _ => "Critical",
    }
}
