//! The planes of an image, as the programs read them.

use aya_ebpf::helpers::generated::bpf_map_lookup_elem;
use gatekeeper_common::automaton::{Edge, Edges};
use gatekeeper_common::image::{COMB, HEAD, Header, ROWS_AT, Row, edges_in, rows_in};
use gatekeeper_common::limits::{PLANE_LARGE, PLANE_SMALL};

use crate::bounds::masked;
use crate::maps::{IMAGES_LARGE, IMAGES_SMALL};

/// The edges of an image whose planes have `N` bytes.
pub struct Comb<const N: usize>(*const Edge);

const _: () = assert!(rows_in(PLANE_LARGE) <= 0x1_0000);
const _: () = assert!(edges_in(PLANE_SMALL).is_power_of_two() && edges_in(PLANE_LARGE).is_power_of_two());

impl<const N: usize> Edges for Comb<N> {
    /// A mask and no branch: an index outside the table, which `verify` has ruled out before the image
    /// was loaded, finds an entry that is another state's.
    #[inline(always)]
    fn edge(&self, index: u32) -> Edge {
        let index = if N == PLANE_SMALL {
            masked::<{ edges_in(PLANE_SMALL) as i32 - 1 }>(index)
        } else {
            masked::<{ edges_in(PLANE_LARGE) as i32 - 1 }>(index)
        };
        // SAFETY: index < edges_in(N), and the plane has N bytes.
        unsafe { *self.0.add(index) }
    }

    /// Without a branch: the verifier follows both ways of each, for every byte of a path.
    #[inline(always)]
    fn target(&self, edge: Edge, state: u32) -> u32 {
        let mut target = u64::from(edge.owner);
        // SAFETY: changes one register: to the target where owner and state differ in no bit, so that one
        // less than their difference is negative, else to zero.
        unsafe {
            core::arch::asm!(
                "{0} ^= {1}",
                "{0} += -1",
                "{0} s>>= 63",
                "{0} &= {2}",
                inout(reg) target,
                in(reg) u64::from(state),
                in(reg) u64::from(edge.target),
                options(nomem, nostack)
            );
        }
        target as u32
    }
}

/// The two planes of a layer's image.
#[derive(Clone, Copy)]
pub struct Planes<const N: usize> {
    /// Plane HEAD.
    pub head: *const u8,
    /// Plane COMB.
    pub comb: *const Edge,
}

impl<const N: usize> Planes<N> {
    /// The edges.
    #[inline(always)]
    pub fn edges(&self) -> Comb<N> {
        Comb(self.comb)
    }

    /// The header.
    #[inline(always)]
    #[expect(clippy::cast_ptr_alignment, reason = "the values of a map are aligned to 8 bytes")]
    pub fn header(&self) -> &Header {
        // SAFETY: the plane has N bytes, more than a header.
        unsafe { &*self.head.cast::<Header>() }
    }

    /// Class of a byte of a path, an argument, or a name.
    #[inline(always)]
    pub fn path_class(&self, byte: u8) -> u16 {
        // SAFETY: a byte indexes 256 classes.
        unsafe { *self.header().path_class.get_unchecked(usize::from(byte)) }
    }

    /// Class of a byte of an address.
    #[inline(always)]
    pub fn net_class(&self, byte: u8) -> u16 {
        // SAFETY: a byte indexes 256 classes.
        unsafe { *self.header().net_class.get_unchecked(usize::from(byte)) }
    }

    /// A row; `None` where it lies outside the plane.
    #[inline(always)]
    #[expect(
        clippy::cast_ptr_alignment,
        reason = "rows begin at a multiple of their size in an aligned plane"
    )]
    pub fn row(&self, number: u32) -> Option<&Row> {
        // Before the comparison, so that it is this very register that the verifier sees compared.
        let number = masked::<0xffff>(number);
        if number >= rows_in(N) {
            return None;
        }
        // SAFETY: number < rows_in(N), so the row ends within the plane.
        Some(unsafe { &*self.head.add(ROWS_AT).cast::<Row>().add(number) })
    }
}

/// The planes in a slot of a table of images of one size; `None` where the slot is empty.
macro_rules! planes {
    ($images:ident, $size:ident, $slot:expr) => {{
        let slot: u32 = $slot;
        // SAFETY: the maps are as declared; the verifier checks each pointer before its use.
        unsafe {
            let inner = bpf_map_lookup_elem((&raw const $images).cast_mut().cast(), (&raw const slot).cast());
            if inner.is_null() {
                None
            } else {
                let (head, comb) = (HEAD, COMB);
                let head = bpf_map_lookup_elem(inner, (&raw const head).cast());
                let comb = bpf_map_lookup_elem(inner, (&raw const comb).cast());
                if head.is_null() || comb.is_null() {
                    None
                } else {
                    Some(Planes::<$size> {
                        head: head.cast::<u8>().cast_const(),
                        comb: comb.cast::<Edge>().cast_const(),
                    })
                }
            }
        }
    }};
}

/// The image of the small size in a slot.
#[inline(always)]
pub fn small(slot: u32) -> Option<Planes<PLANE_SMALL>> {
    planes!(IMAGES_SMALL, PLANE_SMALL, slot)
}

/// The image of the large size in a slot.
#[inline(always)]
pub fn large(slot: u32) -> Option<Planes<PLANE_LARGE>> {
    planes!(IMAGES_LARGE, PLANE_LARGE, slot)
}
