//! Of the record itself: its number, and its link to the one before.

use serde::{Deserialize, Serialize};

use super::objects::Feature;
use super::text::Text;

/// The place of a record in the chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestation<'a> {
    /// The name of the key that signs the trail's checkpoints.
    pub authority_uid: Text<'a>,
    /// The trail.
    pub chain_uid: Text<'a>,
    /// Of the whole record without this very field. Absent only while it is being made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint<'a>>,
    /// The record before; absent in the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev_event: Option<PrevEvent<'a>>,
}

/// A SHA-256 digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint<'a> {
    /// 3: SHA-256.
    pub algorithm_id: u8,
    /// 2: the canonical form of RFC 8785.
    pub serialization_id: u8,
    /// In hexadecimal.
    pub value: Text<'a>,
}

/// The record before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrevEvent<'a> {
    /// Its fingerprint.
    pub fingerprint: Fingerprint<'a>,
    /// Its class and activity.
    pub type_uid: u32,
    /// Its id.
    pub uid: Text<'a>,
}

/// Of the record itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata<'a> {
    /// The trail.
    pub log_name: Text<'a>,
    /// The version of the trail's own form, see [`super::LOG_VERSION`]. Absent in version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_version: Option<Text<'a>>,
    /// The kernel's number of the event, with the boot it counts in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_event_uid: Option<Text<'a>>,
    /// The product that made the record.
    pub product: Product<'a>,
    /// The schema's profiles the record uses.
    pub profiles: Vec<Text<'a>>,
    /// Its number in the trail, from 0 without gaps.
    pub sequence: u64,
    /// The same as text: its id.
    pub uid: Text<'a>,
    /// The schema's version.
    pub version: Text<'a>,
}

/// gatekeeper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product<'a> {
    /// A part of it: a hook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feature: Option<Feature<'a>>,
    /// Its name.
    pub name: Text<'a>,
    /// Its maker.
    pub vendor_name: Text<'a>,
    /// Its version.
    pub version: Text<'a>,
}
