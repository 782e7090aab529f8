//! Which slots hold an image: a plain array pinned beside the tables of images, for the daemon alone.
//!
//! The tables themselves could be asked, but the kernel waits for a grace period at each look
//! (kernel/bpf/syscall.c `maybe_wait_bpf_programs`).

use std::os::fd::AsFd;
use std::path::Path;

use bytemuck::{Pod, Zeroable};
use gatekeeper_common::image::Size;
use gatekeeper_common::label::Layer;
use gatekeeper_common::limits::SLOTS;

use super::KernelError;
use crate::sys::bpf::{PinnedMap, lookup, update};

/// An entry of the array: a slot's layer and size; behind the last slot, the last serial given out.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
struct Entry {
    serial: u32,
    large: u32,
}

const FREE: Entry = Entry { serial: 0, large: 0 };

/// The slots, as they stand in the kernel.
#[derive(Debug)]
pub struct Slots {
    map: PinnedMap,
    entries: Vec<Entry>,
    last: u32,
}

impl Slots {
    pub(super) fn open(pins: &Path) -> Result<Self, KernelError> {
        let path = pins.join("maps/SLOTS");
        let map = PinnedMap::open_or_create(&path, "SLOTS", size_of::<Entry>(), SLOTS + 1)
            .map_err(KernelError::call(format!("opening {}", path.display())))?;
        let mut slots = Self { map, entries: vec![FREE; SLOTS as usize], last: 0 };
        for index in 0..=SLOTS {
            let mut entry = FREE;
            lookup(slots.map.as_fd(), &index.to_ne_bytes(), bytemuck::bytes_of_mut(&mut entry))
                .map_err(KernelError::call("reading the slots"))?;
            slots.last = slots.last.max(entry.serial);
            if let Some(place) = slots.entries.get_mut(index as usize) {
                *place = entry;
            }
        }
        Ok(slots)
    }

    fn store(&mut self, index: u32, entry: Entry) -> Result<(), KernelError> {
        update(self.map.as_fd(), &index.to_ne_bytes(), bytemuck::bytes_of(&entry))
            .map_err(KernelError::call("writing the slots"))?;
        if let Some(place) = self.entries.get_mut(index as usize) {
            *place = entry;
        }
        Ok(())
    }

    /// A free slot and a serial never given out before, not yet taken.
    pub(super) fn vacancy(&mut self) -> Result<Layer, KernelError> {
        let free = (0..).zip(&self.entries).find(|(_, entry)| **entry == FREE);
        let (slot, _) = free.ok_or(KernelError::NoSlot(SLOTS))?;
        self.last = self.last.checked_add(1).ok_or(KernelError::NoSlot(SLOTS))?;
        self.store(SLOTS, Entry { serial: self.last, large: 0 })?;
        Ok(Layer { slot, serial: self.last })
    }

    /// Notes that a layer's image has this size.
    pub(super) fn occupy(&mut self, layer: Layer, size: Size) -> Result<(), KernelError> {
        self.store(layer.slot, Entry { serial: layer.serial, large: u32::from(size == Size::Large) })
    }

    /// Notes that a slot is free.
    pub(super) fn vacate(&mut self, slot: u32) -> Result<(), KernelError> {
        self.store(slot, FREE)
    }

    /// The size of a layer's image; none where the slot is not the layer's.
    pub(super) fn size(&self, layer: Layer) -> Option<Size> {
        let entry = self.entries.get(layer.slot as usize).filter(|entry| entry.serial == layer.serial)?;
        Some(if entry.large == 0 { Size::Small } else { Size::Large })
    }

    /// Every layer that has an image.
    pub(super) fn layers(&self) -> impl Iterator<Item = Layer> {
        (0..)
            .zip(&self.entries)
            .filter(|(_, entry)| **entry != FREE)
            .map(|(slot, entry)| Layer { slot, serial: entry.serial })
    }
}
