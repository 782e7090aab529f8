//! Typed views of kernel structures, through offsets that the loader fills in.

pub mod call;
pub mod cgroup;
pub mod file;
pub mod group;
pub mod memory;
pub mod socket;
pub mod task;
pub mod terminal;

use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr::read_volatile;

use aya_ebpf::helpers::generated::bpf_probe_read_kernel;

/// A pointer to a kernel structure. The verifier knows its type where it came from a hook's argument
/// or by `load` from one that it knows.
pub type Pointer = *const u8;

macro_rules! globals {
    ($($global:ident, $structure:literal, $member:literal;)*) => {
        $(
            #[doc = concat!("Offset of `", $structure, ".", $member, "` in bytes; written by the loader.")]
            #[unsafe(no_mangle)]
            pub static $global: u32 = 0;
        )*
    };
}
gatekeeper_common::kernel_fields!(globals);
gatekeeper_common::optional_kernel_fields!(globals);

/// 1 where `inode_setattr` has an argument before the entry. Written by the loader.
#[unsafe(no_mangle)]
pub static SETATTR_ENTRY: u32 = 0;

/// Address of the lower of the kernel's two sequence counters of path changes, `rename_lock` (fs/dcache.c)
/// and `mount_lock` (fs/namespace.c); 0 where they can't be used. Written by the loader.
#[unsafe(no_mangle)]
pub static SEQUENCES_AT: u64 = 0;
/// Bytes from the lower to the upper.
#[unsafe(no_mangle)]
pub static SEQUENCES_SPAN: u32 = 0;

/// 1 where the programs of hooks run at the functions that ask the security modules, before any module is
/// asked; 0 where they are asked as a module. Written by the loader.
#[unsafe(no_mangle)]
pub static AT_FUNCTIONS: u32 = 0;

/// Whether programs run at the functions that ask the modules. The verifier sees a constant and drops the
/// other case.
#[inline(always)]
pub fn at_functions() -> bool {
    offset(&AT_FUNCTIONS) != 0
}

/// The address of the sequence counters; 0 where they can't be used. Volatile like an offset.
#[inline(always)]
pub fn sequences_at() -> u64 {
    // SAFETY: a static.
    unsafe { read_volatile(&raw const SEQUENCES_AT) }
}

/// The value of an offset. Volatile, or the compiler would believe the zero it sees.
#[inline(always)]
pub fn offset(global: &'static u32) -> usize {
    // SAFETY: a static.
    unsafe { read_volatile(global) as usize }
}

/// The address of a field.
#[inline(always)]
pub fn at(base: Pointer, field: &'static u32) -> Pointer {
    base.wrapping_add(offset(field))
}

/// Loads a field through a pointer whose type the verifier knows.
#[inline(always)]
pub fn load<T: Copy>(base: Pointer, field: &'static u32) -> T {
    // SAFETY: the verifier proves the access lies within the structure; a fault reads as zero
    // (BPF_PROBE_MEM, kernel/bpf/verifier.c `convert_ctx_accesses`).
    unsafe { *at(base, field).cast::<T>() }
}

/// Reads from any kernel address; `None` where it faults.
#[inline(always)]
pub fn read<T: Copy>(address: Pointer) -> Option<T> {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: the helper writes size_of::<T>() bytes to `value` or reports a fault.
    let fault = unsafe {
        bpf_probe_read_kernel(value.as_mut_ptr().cast::<c_void>(), size_of::<T>() as u32, address.cast())
    };
    // SAFETY: written whole where there was no fault.
    if fault == 0 { Some(unsafe { value.assume_init() }) } else { None }
}

/// The file that an iterator writes to: `struct bpf_iter_meta` begins with its `struct seq_file`
/// (include/linux/bpf.h).
#[inline(always)]
pub fn iteration_sink(meta: *const Pointer) -> Pointer {
    // SAFETY: the verifier knows the structure.
    unsafe { *meta }
}
