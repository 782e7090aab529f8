//! The kernel side of gatekeeper as user space has it: programs loaded and proved, images published, tasks labelled, events
//! read.

#![warn(clippy::pedantic)]
#![cfg_attr(test, allow(clippy::cast_possible_truncation, reason = "the numbers in tests are small"))]

pub mod attach_type;
pub mod attachment;
mod built;
pub mod canary;
pub mod error;
pub mod events;
pub mod fields;
mod function;
mod holds;
mod labels;
mod load;
mod parallel;
mod pinned;
pub mod preemption;
mod probe;
pub mod programs;
mod publish;
mod seqcounts;
mod slots;
pub mod sys;
pub mod unsupported;

use std::fmt::Debug;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use aya::Ebpf;
use gatekeeper_common::counters::COUNTERS;

pub use attach_type::AttachType;
pub use attachment::Attachment;
pub use error::KernelError;
pub use events::EventStream;
pub use holds::Holds;
pub use labels::{Census, Labels};
pub use probe::probe;
pub use publish::Images;
pub use sys::watch::watch;
pub use unsupported::Unsupported;

use crate::sys::bpf::{PinnedMap, lookup, update};
use slots::Slots;

/// Whether a hook enforces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Liveness {
    /// Its canary was denied what the control was allowed.
    Live,
    /// Attached; keeps labels or names and has nothing to refuse, so that no canary can prove it.
    Attached,
    /// Attached, not yet proved.
    Unproved,
    /// Attached and not firing, or not attached: the reason, and the help.
    Dead(String),
}

/// One hook as `status` shows it.
#[derive(Debug, Clone)]
pub struct Hook {
    /// The LSM hook's or tracepoint's name.
    pub name: &'static str,
    /// The attach type of its program.
    pub attach_type: AttachType,
    /// Whether a canary can see it refuse.
    pub provable: bool,
    /// Whether it enforces.
    pub liveness: Liveness,
}

#[derive(Debug)]
struct Maps {
    cgroups: PinnedMap,
    counters: PinnedMap,
    labels: PinnedMap,
    small: PinnedMap,
    large: PinnedMap,
    holds: PinnedMap,
    decisions: PinnedMap,
    grants: PinnedMap,
}

/// The switch that tells the programs whether the trail takes records: what has to be recorded is denied while it
/// does not.
#[derive(Debug)]
pub struct Recording(PinnedMap);

impl Recording {
    /// Sets it.
    ///
    /// # Errors
    /// Where the map can't be written; it stays as it was.
    pub fn set(&self, takes: bool) -> io::Result<()> {
        update(self.0.as_fd(), &0_u32.to_ne_bytes(), &u32::from(takes).to_ne_bytes())
    }
}

/// The loaded and attached programs with their pinned maps.
#[derive(Debug)]
pub struct Kernel {
    programs: Ebpf,
    maps: Maps,
    hooks: Vec<Hook>,
    /// The reason why programs at functions are unreliable here.
    unreliable: Option<String>,
    unsupported: Vec<Unsupported>,
    pins: PathBuf,
    slots: Slots,
}

/// Hooks: what enforces, what can't, and what was counted.
pub trait Hooks: Debug {
    /// Proves each hook with a canary, in a folder of its own below `work` and a cgroup of its own below
    /// `cgroups`; see [`Kernel::hooks`] for the result. `program` is this program's file.
    ///
    /// # Errors
    /// Where the canary can't be run at all; no hook counts as live then.
    fn prove(&mut self, work: &Path, cgroups: &Path, program: &Path) -> Result<(), KernelError>;

    /// Every hook with its state.
    #[must_use]
    fn hooks(&self) -> &[Hook];

    /// The operations that this kernel can't enforce, or judges in another way than others.
    #[must_use]
    fn unsupported(&self) -> &[Unsupported];

    /// The counters, by [`gatekeeper_common::counters`] index.
    ///
    /// # Errors
    /// Where the map can't be read.
    fn counters(&self) -> Result<Vec<u64>, KernelError>;
}

impl Kernel {
    /// Loads, attaches and pins everything under `pins` (on a bpffs), taking over the maps found there.
    ///
    /// # Errors
    /// Where the kernel refuses; what was pinned before stays as it was.
    pub fn load(pins: &Path) -> Result<Self, KernelError> {
        let attachment = Attachment::here();
        let (programs, list, unsupported) = load::load(pins, attachment)?;
        let open = |name: &str| {
            let path = pins.join("maps").join(name);
            PinnedMap::open(&path).map_err(KernelError::call(format!("opening {}", path.display())))
        };
        let maps = Maps {
            cgroups: open("CGROUPS")?,
            counters: open("COUNTERS")?,
            labels: open("LABELS")?,
            small: open("IMAGES_SMALL")?,
            large: open("IMAGES_LARGE")?,
            holds: open("HOLDS")?,
            decisions: open("DECISIONS")?,
            grants: open("GRANTS")?,
        };
        let hooks = list
            .iter()
            .map(|program| Hook {
                name: program.name,
                attach_type: AttachType::of(program, attachment),
                provable: program.provable,
                liveness: Liveness::Unproved,
            })
            .collect();
        let slots = Slots::open(pins)?;
        let unreliable = attachment.unreliable();
        Ok(Self { programs, maps, hooks, unreliable, unsupported, pins: pins.to_owned(), slots })
    }

    /// The events' reading end. Must be called within a tokio runtime, by one reader.
    ///
    /// # Errors
    /// Where the ring buffer can't be opened.
    pub fn open_events(&self) -> Result<EventStream, KernelError> {
        EventStream::open(&self.pins)
    }

    /// The switch that tells the programs whether the trail takes records.
    ///
    /// # Errors
    /// Where the map can't be opened.
    pub fn recording(&self) -> Result<Recording, KernelError> {
        let path = self.pins.join("maps/RECORDING");
        let map = PinnedMap::open(&path).map_err(KernelError::call(format!("opening {}", path.display())))?;
        Ok(Recording(map))
    }
}

impl Hooks for Kernel {
    fn prove(&mut self, work: &Path, cgroups: &Path, program: &Path) -> Result<(), KernelError> {
        for hook in &mut self.hooks {
            hook.liveness = Liveness::Unproved;
        }
        let name = format!("canary-{}", std::process::id());
        let (folder, cgroup) = (work.join(&name), cgroups.join(&name));
        let result = self.prove_in(&folder, &cgroup, program);
        let _ = fs::remove_dir_all(&folder);
        let _ = fs::remove_dir(&cgroup);
        result
    }

    fn hooks(&self) -> &[Hook] {
        &self.hooks
    }

    fn unsupported(&self) -> &[Unsupported] {
        &self.unsupported
    }

    fn counters(&self) -> Result<Vec<u64>, KernelError> {
        let mut values = vec![0; COUNTERS as usize];
        for (index, value) in (0u32..).zip(&mut values) {
            lookup(self.maps.counters.as_fd(), &index.to_ne_bytes(), bytemuck::bytes_of_mut(value))
                .map_err(KernelError::call("reading the counters"))?;
        }
        Ok(values)
    }
}
