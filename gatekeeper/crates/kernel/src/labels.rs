//! Labels: marks on cgroups, the label a process carries, and the census of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use aya::programs::Iter;
use bytemuck::{Pod, Zeroable};
use gatekeeper_common::label::Label;

use super::error::ProgramFailure;
use super::programs::CENSUS;
use super::{Kernel, KernelError};
use crate::sys::bpf::{delete, lookup, update};

/// One line of the iterator's output: see the iterator in gatekeeper-ebpf/src/hooks/process.rs.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Line {
    pid: u32,
    fresh: u32,
    session: u64,
}

/// The labelled processes, as a visit to every task finds them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// Labelled processes with a task that lives, by session.
    pub processes: BTreeMap<u64, BTreeSet<u32>>,
    /// Processes that got their label by this visit.
    pub fresh: u64,
}

/// Labels: which tasks belong to which session.
pub trait Labels: Debug {
    /// Marks a cgroup (by its id, the inode number of its folder): who enters it or a descendant is labelled.
    ///
    /// # Errors
    /// Where the kernel refuses, as when too many cgroups are marked.
    fn mark(&mut self, cgroup: u64, label: &Label) -> Result<(), KernelError>;

    /// Takes the mark off a cgroup; labels on tasks stay.
    ///
    /// # Errors
    /// Where the kernel refuses.
    fn unmark(&mut self, cgroup: u64) -> Result<(), KernelError>;

    /// The label a process carries. None of one that has been reaped, too: the kernel says the same of both
    /// (`kernel/bpf/bpf_task_storage.c`, `bpf_pid_task_storage_lookup_elem`), so whoever asks has to look after it.
    ///
    /// # Errors
    /// Where the kernel refuses.
    fn label_of(&self, process: BorrowedFd<'_>) -> Result<Option<Label>, KernelError>;

    /// Visits every task: labels those in a marked cgroup that have no label yet, and counts the labelled.
    ///
    /// # Errors
    /// Where the iterator can't be run.
    fn census(&mut self) -> Result<Census, KernelError>;
}

impl Kernel {
    /// The iterator's output as a file.
    fn open_census(&mut self) -> Result<File, ProgramFailure> {
        let program = self.programs.program_mut(CENSUS).ok_or(ProgramFailure::Missing)?;
        let iterator: &mut Iter = program.try_into()?;
        let id = iterator.attach()?;
        Ok(iterator.take_link(id)?.into_file()?)
    }
}

impl Labels for Kernel {
    fn mark(&mut self, cgroup: u64, label: &Label) -> Result<(), KernelError> {
        update(self.maps.cgroups.as_fd(), &cgroup.to_ne_bytes(), bytemuck::bytes_of(label))
            .map_err(KernelError::call(format!("marking cgroup {cgroup}")))
    }

    fn unmark(&mut self, cgroup: u64) -> Result<(), KernelError> {
        delete(self.maps.cgroups.as_fd(), &cgroup.to_ne_bytes())
            .map_err(KernelError::call(format!("unmarking cgroup {cgroup}")))
            .map(drop)
    }

    fn label_of(&self, process: BorrowedFd<'_>) -> Result<Option<Label>, KernelError> {
        let mut label = Label::zeroed();
        let there = lookup(
            self.maps.labels.as_fd(),
            &process.as_raw_fd().to_ne_bytes(),
            bytemuck::bytes_of_mut(&mut label),
        )
        .map_err(KernelError::call("reading a process's label"))?;
        Ok(there.then_some(label))
    }

    fn census(&mut self) -> Result<Census, KernelError> {
        let mut file = self.open_census().map_err(KernelError::program(CENSUS))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(KernelError::call("reading the census"))?;
        let mut census = Census::default();
        for line in bytes.chunks_exact(size_of::<Line>()) {
            let line: Line = bytemuck::pod_read_unaligned(line);
            // A line for each of its tasks.
            census.processes.entry(line.session).or_default().insert(line.pid);
            census.fresh += u64::from(line.fresh);
        }
        Ok(census)
    }
}
