//! The daemon's state of a session, in memory and on disk.

use std::path::PathBuf;
use std::time::Duration;

use gatekeeper_common::label::{Label, Layer};
use gatekeeper_common::limits::LAYERS;
use serde::{Deserialize, Serialize};

use super::namespace::Namespace;
use crate::protocol::messages::PolicyChoice;
use crate::protocol::summary::{Kind, PolicySummary, Summary};
use gatekeeper_record::container::Container;
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::Moment;

/// The user a session acts for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// User id.
    pub uid: u32,
    /// Login name.
    pub name: String,
    /// Home directory.
    pub home: PathBuf,
}

/// A layer of the kernel's, as it is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerRef {
    /// [`Layer::slot`].
    pub slot: u32,
    /// [`Layer::serial`].
    pub serial: u32,
}

impl From<Layer> for LayerRef {
    fn from(layer: Layer) -> Self {
        Self { slot: layer.slot, serial: layer.serial }
    }
}

impl From<LayerRef> for Layer {
    fn from(layer: LayerRef) -> Self {
        Self { slot: layer.slot, serial: layer.serial }
    }
}

/// A policy that a session put in the kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnLayer {
    /// Its place.
    pub layer: LayerRef,
    /// The policy's name.
    pub policy: String,
    /// Rises with every replacement, from 1.
    pub generation: u64,
    /// The source it is compiled from.
    pub source: PolicyChoice,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Its identity.
    pub id: SessionId,
    /// A short name, for people.
    pub name: Option<String>,
    /// Its purpose, for people.
    pub purpose: Option<String>,
    /// The user it acts for.
    pub owner: Owner,
    /// The command it was opened for, as the caller gave it.
    #[serde(default)]
    pub command: Vec<String>,
    /// The value of `${workspace}`.
    pub workspace: PathBuf,
    /// The way it was opened.
    pub kind: Kind,
    /// Its cgroup's folder.
    pub cgroup: PathBuf,
    /// Its cgroup's id.
    pub cgroup_id: u64,
    /// The view that its processes have of the file tree; not known of a cgroup that was labelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Namespace>,
    /// The container it was opened in, or whose cgroup it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    /// The session it was opened in.
    pub parent: Option<SessionId>,
    /// The time it was opened.
    pub opened: Moment,
    /// The time it is ended, in nanoseconds since boot, time asleep included; never where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<u64>,
    /// Whether that is over and on record; what is left of it is being killed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expired: bool,
    /// The boot it belongs to: nothing of a session outlives that.
    pub boot: String,
    /// The layers it inherited, outermost first.
    pub inherited: Vec<LayerRef>,
    /// The layers it added, outermost first.
    pub own: Vec<OwnLayer>,
}

/// More layers than a label holds.
#[derive(Debug, thiserror::Error)]
#[error("this would make {0} layers of policy, and a task can carry {LAYERS}: nest less deeply")]
pub struct TooManyLayers(pub usize);

impl Session {
    /// The serials of its layers.
    #[must_use]
    pub fn serials(&self) -> Vec<u32> {
        let own = self.own.iter().map(|own| own.layer.serial);
        self.inherited.iter().map(|layer| layer.serial).chain(own).collect()
    }

    /// The label that the kernel puts on its tasks.
    ///
    /// # Errors
    /// Where the session has more layers than a label holds.
    pub fn label(&self) -> Result<Label, TooManyLayers> {
        let layers = self.inherited.iter().chain(self.own.iter().map(|own| &own.layer));
        let mut label = Label { session: self.id.number(), ..Label::default() };
        let count = self.inherited.len() + self.own.len();
        let fits = u32::try_from(count).ok().filter(|_| count <= LAYERS);
        label.count = fits.ok_or(TooManyLayers(count))?;
        for (place, layer) in label.layers.iter_mut().zip(layers) {
            *place = (*layer).into();
        }
        Ok(label)
    }

    /// Whether its time is over.
    #[must_use]
    pub fn is_over(&self, now: Duration) -> bool {
        self.ends.is_some_and(|ends| Duration::from_nanos(ends) <= now)
    }

    /// Its own policies for people: `name (generation)`.
    #[must_use]
    pub fn policies(&self) -> Vec<String> {
        self.own.iter().map(|own| format!("{}@{}", own.policy, own.generation)).collect()
    }
}

/// The layers in use of a label, outermost first.
#[must_use]
pub fn layers_of(label: &Label) -> &[Layer] {
    label.layers.get(..label.count as usize).unwrap_or(&label.layers)
}

impl Session {
    /// The summary for people and programs.
    #[must_use]
    pub fn summary(&self, processes: Option<Vec<u32>>, now: Duration) -> Summary {
        let policy = |own: &OwnLayer| PolicySummary { name: own.policy.clone(), generation: own.generation };
        Summary {
            session: self.id,
            name: self.name.clone(),
            purpose: self.purpose.clone(),
            user: self.owner.name.clone(),
            uid: self.owner.uid,
            workspace: self.workspace.clone(),
            kind: self.kind,
            policies: self.own.iter().map(policy).collect(),
            layers: self.inherited.len() + self.own.len(),
            parent: self.parent,
            opened: self.opened,
            seconds_left: self.ends.map(|ends| Duration::from_nanos(ends).saturating_sub(now).as_secs()),
            cgroup: self.cgroup.clone(),
            processes,
        }
    }
}
