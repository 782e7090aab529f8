//! Puts images where the programs find them.
//!
//! An image is a map of its own, filled before anybody can see it, and put in its slot by one store: an
//! operation sees the old image or the new one, whole. A slot can hold a small and a large image; the
//! programs look for the small one first. So a policy that grows is stored large before the small one
//! goes, and one that shrinks is stored small before the large one goes.

use std::fmt::Debug;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use gatekeeper_common::image::{COMB, HEAD, Header, PLANES, Size};
use gatekeeper_common::label::Layer;

use super::{Kernel, KernelError};
use crate::sys::bpf::{create_array, delete, update, update_inner};
use gatekeeper_record::time::{nanos, since_boot};

/// Where an image's header keeps what publishing fills in.
const GENERATION_AT: usize = std::mem::offset_of!(Header, generation);
const IMAGE_AT: usize = std::mem::offset_of!(Header, image);
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
    let map =
        create_array("IMAGE", size.plane(), PLANES).map_err(KernelError::call("making an image's map"))?;
    let mut plane = vec![0; size.plane()];
    plane[..head.len()].copy_from_slice(head);
    plane[GENERATION_AT..GENERATION_AT + 8].copy_from_slice(&generation.to_ne_bytes());
    // No two images are filled in the same nanosecond since boot, nor does one outlive a boot.
    let image = nanos(since_boot());
    plane[IMAGE_AT..IMAGE_AT + 8].copy_from_slice(&image.to_ne_bytes());
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

/// Images: compiled policies, each in a layer.
pub trait Images: Debug {
    /// Puts an image in a free slot; the layer to refer to it by.
    ///
    /// # Errors
    /// Where no slot is free, the image doesn't fit, or the kernel refuses; nothing is published then.
    fn publish(&mut self, head: &[u8], comb: &[u8], generation: u64) -> Result<Layer, KernelError>;

    /// Replaces the image of a layer in one step.
    ///
    /// # Errors
    /// Where the layer has no image, the new one doesn't fit, or the kernel refuses; the old image stays then.
    fn replace(&mut self, layer: Layer, head: &[u8], comb: &[u8], generation: u64)
    -> Result<(), KernelError>;

    /// Frees a layer's slot. Tasks that still carry it are denied everything.
    ///
    /// # Errors
    /// Where the kernel refuses.
    fn retire(&mut self, layer: Layer) -> Result<(), KernelError>;

    /// Every layer that has an image, an earlier daemon's among them.
    fn layers(&self) -> Vec<Layer>;
}

impl Kernel {
    fn outer(&self, size: Size) -> BorrowedFd<'_> {
        match size {
            Size::Small => self.maps.small.as_fd(),
            Size::Large => self.maps.large.as_fd(),
        }
    }

    fn empty(&self, size: Size, slot: u32) -> Result<(), KernelError> {
        delete(self.outer(size), &slot.to_ne_bytes())
            .map_err(KernelError::call("removing an image"))
            .map(drop)
    }
}

impl Images for Kernel {
    fn publish(&mut self, head: &[u8], comb: &[u8], generation: u64) -> Result<Layer, KernelError> {
        let layer = self.slots.vacancy()?;
        let (size, map) = filled(head, comb, layer.serial, generation)?;
        self.slots.occupy(layer, size)?;
        let stored = update_inner(self.outer(size), layer.slot, map.as_fd());
        if stored.is_err() {
            self.slots.vacate(layer.slot)?;
        }
        stored.map_err(KernelError::call("publishing an image"))?;
        Ok(layer)
    }

    fn replace(
        &mut self,
        layer: Layer,
        head: &[u8],
        comb: &[u8],
        generation: u64,
    ) -> Result<(), KernelError> {
        let old = self.slots.size(layer).ok_or(KernelError::NoLayer(layer.serial))?;
        let (size, map) = filled(head, comb, layer.serial, generation)?;
        update_inner(self.outer(size), layer.slot, map.as_fd())
            .map_err(KernelError::call("replacing an image"))?;
        if size != old {
            self.empty(old, layer.slot)?;
            self.slots.occupy(layer, size)?;
        }
        Ok(())
    }

    fn retire(&mut self, layer: Layer) -> Result<(), KernelError> {
        let Some(_) = self.slots.size(layer) else { return Ok(()) };
        // Both: a daemon that was killed in the middle of a replacement can have left two.
        self.empty(Size::Small, layer.slot)?;
        self.empty(Size::Large, layer.slot)?;
        self.slots.vacate(layer.slot)
    }

    fn layers(&self) -> Vec<Layer> {
        self.slots.layers().collect()
    }
}
