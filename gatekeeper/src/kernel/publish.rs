//! Puts images where the programs find them.
//!
//! An image is a map of its own, filled before anybody can see it, and put in its slot by one store: an
//! operation sees the old image or the new one, whole. A slot can hold a small and a large image; the
//! programs look for the small one first. So a policy that grows is stored large before the small one
//! goes, and one that shrinks is stored small before the large one goes.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use gatekeeper_common::image::{COMB, HEAD, Header, PLANES, Size};
use gatekeeper_common::label::Layer;
use gatekeeper_common::limits::SLOTS;

use super::{Kernel, KernelError};
use crate::sys::bpf::{create_array, delete, lookup, map_by_id, update, update_inner};

/// Where an image's header keeps what publishing fills in.
const GENERATION_AT: usize = std::mem::offset_of!(Header, generation);
const SERIAL_AT: usize = std::mem::offset_of!(Header, serial);

fn filled(head: &[u8], comb: &[u8], serial: u32, generation: u64) -> Result<(Size, OwnedFd), KernelError> {
    let longest = head.len().max(comb.len());
    let size = [Size::Small, Size::Large]
        .into_iter()
        .find(|size| longest <= size.plane())
        .ok_or(KernelError::TooLarge(longest))?;
    if head.len() < size_of::<Header>() {
        return Err(KernelError::TooLarge(head.len()));
    }
    let map = create_array("IMAGE", size.plane() as u32, PLANES).map_err(KernelError::call("making an image's map"))?;
    let mut plane = vec![0; size.plane()];
    plane[..head.len()].copy_from_slice(head);
    plane[GENERATION_AT..GENERATION_AT + 8].copy_from_slice(&generation.to_ne_bytes());
    plane[SERIAL_AT..SERIAL_AT + 4].copy_from_slice(&serial.to_ne_bytes());
    let store = |index: u32, plane: &[u8]| {
        update(map.as_fd(), &index.to_ne_bytes(), plane).map_err(KernelError::call("filling an image's map"))
    };
    store(HEAD, &plane)?;
    // Entries beyond the table belong to nobody.
    plane.fill(0xff);
    plane[..comb.len()].copy_from_slice(comb);
    store(COMB, &plane)?;
    Ok((size, map))
}

impl Kernel {
    fn outer(&self, size: Size) -> BorrowedFd<'_> {
        match size {
            Size::Small => self.maps.small.as_fd(),
            Size::Large => self.maps.large.as_fd(),
        }
    }

    /// The id of the image in a slot, if any.
    fn occupant(&self, size: Size, slot: u32) -> Result<Option<u32>, KernelError> {
        let mut id = [0; 4];
        let there = lookup(self.outer(size), &slot.to_ne_bytes(), &mut id)
            .map_err(KernelError::call(format!("looking at slot {slot}")))?;
        Ok(there.then(|| u32::from_ne_bytes(id)))
    }

    /// The highest serial among the images that an earlier daemon left.
    pub(super) fn highest_serial(&self) -> Result<u32, KernelError> {
        let mut highest = 0;
        for slot in 0..SLOTS {
            for size in [Size::Small, Size::Large] {
                let Some(id) = self.occupant(size, slot)? else { continue };
                let map = map_by_id(id).map_err(KernelError::call(format!("opening the image in slot {slot}")))?;
                let mut plane = vec![0; size.plane()];
                lookup(map.as_fd(), &HEAD.to_ne_bytes(), &mut plane)
                    .map_err(KernelError::call(format!("reading the image in slot {slot}")))?;
                let bytes: [u8; 4] = plane[SERIAL_AT..SERIAL_AT + 4].try_into().unwrap_or_default();
                highest = highest.max(u32::from_ne_bytes(bytes));
            }
        }
        Ok(highest)
    }

    /// Never gives out a serial below this one. A restarted daemon knows serials whose image is gone
    /// while tasks may still carry them.
    pub fn reserve_serials(&mut self, below: u32) {
        self.next_serial = self.next_serial.max(below);
    }

    /// Serial that the next published layer gets.
    #[must_use]
    pub fn next_serial(&self) -> u32 {
        self.next_serial
    }

    /// Puts an image in a free slot; the layer to refer to it by.
    ///
    /// # Errors
    /// Where no slot is free, the image doesn't fit, or the kernel refuses; nothing is published then.
    pub fn publish(&mut self, head: &[u8], comb: &[u8], generation: u64) -> Result<Layer, KernelError> {
        let mut slot = None;
        for candidate in 0..SLOTS {
            if self.occupant(Size::Small, candidate)?.is_none() && self.occupant(Size::Large, candidate)?.is_none() {
                slot = Some(candidate);
                break;
            }
        }
        let slot = slot.ok_or(KernelError::NoSlot(SLOTS))?;
        let layer = Layer { slot, serial: self.next_serial };
        self.next_serial += 1;
        let (size, map) = filled(head, comb, layer.serial, generation)?;
        update_inner(self.outer(size), slot, map.as_fd()).map_err(KernelError::call("publishing an image"))?;
        Ok(layer)
    }

    /// Replaces the image of a layer in one step.
    ///
    /// # Errors
    /// Where the image doesn't fit or the kernel refuses; the old image stays then.
    pub fn replace(&mut self, layer: Layer, head: &[u8], comb: &[u8], generation: u64) -> Result<(), KernelError> {
        let (size, map) = filled(head, comb, layer.serial, generation)?;
        update_inner(self.outer(size), layer.slot, map.as_fd()).map_err(KernelError::call("replacing an image"))?;
        let other = match size {
            Size::Small => Size::Large,
            Size::Large => Size::Small,
        };
        self.empty(other, layer.slot)
    }

    fn empty(&self, size: Size, slot: u32) -> Result<(), KernelError> {
        delete(self.outer(size), &slot.to_ne_bytes()).map_err(KernelError::call("removing an image")).map(drop)
    }

    /// Frees a layer's slot. Tasks that still carry it are denied everything.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn retire(&mut self, layer: Layer) -> Result<(), KernelError> {
        self.empty(Size::Small, layer.slot)?;
        self.empty(Size::Large, layer.slot)
    }
}
