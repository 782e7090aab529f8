//! The kernel side as the daemon sees it: load, publish, label, listen.

use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;
use std::path::Path;

use gatekeeper_common::label::{Label, Layer};

/// The loaded and attached programs with their pinned maps.
#[derive(Debug)]
pub struct Kernel {}

/// What went wrong, with the call and the mend.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// A call into the kernel failed.
    #[error("{what}: {source}")]
    Call {
        /// The call and its object.
        what: String,
        /// The kernel's answer.
        source: std::io::Error,
    },
}

/// Whether a hook enforces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Liveness {
    /// Its canary was denied what the control was allowed.
    Live,
    /// Attached, not yet proved.
    Unproved,
    /// Attached and not firing, or not attached: why, and the mend.
    Dead(String),
}

/// One hook as `status` shows it.
#[derive(Debug, Clone)]
pub struct Hook {
    /// The LSM hook's or tracepoint's name.
    pub name: &'static str,
    /// Whether it enforces.
    pub liveness: Liveness,
}

/// One event as read from the ring buffer: the header and the object's bytes.
#[derive(Debug, Clone)]
pub struct RawEvent {
    /// The fixed part.
    pub header: gatekeeper_common::event::Header,
    /// Path bytes or an address, see [`gatekeeper_common::event::Object`].
    pub object: Vec<u8>,
}

impl Kernel {
    /// Loads, attaches and pins everything under `pins` (on a bpffs), taking over the maps found there.
    pub fn load(_pins: &Path) -> Result<Self, KernelError> {
        unimplemented!()
    }
    /// Proves each hook with a canary and remembers the result; see [`Kernel::hooks`].
    pub fn prove(&mut self) -> Result<(), KernelError> {
        unimplemented!()
    }
    /// Every hook with its state.
    pub fn hooks(&self) -> &[Hook] {
        unimplemented!()
    }
    /// Puts an image in a free slot and gives the layer to refer to it by.
    pub fn publish(&mut self, _image: &[u8], _comb: &[u8]) -> Result<Layer, KernelError> {
        unimplemented!()
    }
    /// Replaces the image of a layer in one step.
    pub fn replace(&mut self, _layer: Layer, _image: &[u8], _comb: &[u8]) -> Result<(), KernelError> {
        unimplemented!()
    }
    /// Frees a layer's slot. Tasks that still carry it are denied everything.
    pub fn retire(&mut self, _layer: Layer) -> Result<(), KernelError> {
        unimplemented!()
    }
    /// Marks a cgroup (by its id, the inode number of its folder): who enters it or a descendant is labelled.
    pub fn mark(&mut self, _cgroup: u64, _label: &Label) -> Result<(), KernelError> {
        unimplemented!()
    }
    /// Takes the mark off a cgroup; labels on tasks stay.
    pub fn unmark(&mut self, _cgroup: u64) -> Result<(), KernelError> {
        unimplemented!()
    }
    /// The label a process carries.
    pub fn label_of(&self, _pidfd: BorrowedFd<'_>) -> Result<Option<Label>, KernelError> {
        unimplemented!()
    }
    /// Labels every process already in a marked cgroup or a descendant; how many were new.
    pub fn sweep(&mut self) -> Result<u64, KernelError> {
        unimplemented!()
    }
    /// How many processes carry a label, by session.
    pub fn census(&mut self) -> Result<BTreeMap<u64, u64>, KernelError> {
        unimplemented!()
    }
    /// Waits for events and reads those that are there (async, cancel-safe).
    pub async fn events(&mut self) -> Result<Vec<RawEvent>, KernelError> {
        unimplemented!()
    }
    /// The counters, by [`gatekeeper_common::counters`] index.
    pub fn counters(&self) -> Result<Vec<u64>, KernelError> {
        unimplemented!()
    }
}
