//! All maps, each with its writers and readers.

use core::ptr::null;

use aya_ebpf::bindings::BPF_F_NO_PREALLOC;
use aya_ebpf::bindings::bpf_map_type::{
    BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_ARRAY_OF_MAPS, BPF_MAP_TYPE_SK_STORAGE, BPF_MAP_TYPE_TASK_STORAGE,
};
use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, HashMap, PerCpuArray, RingBuf};
use gatekeeper_common::counters;
use gatekeeper_common::hold::{Grant, Hold, TableKey};
use gatekeeper_common::image::PLANES;
use gatekeeper_common::label::Label;
use gatekeeper_common::limits::{
    CACHE_ENTRIES, CGROUPS as CGROUP_ENTRIES, GRANTS as GRANT_ENTRIES, HOLDS as HOLD_ENTRIES,
    OBJECTS as OBJECT_ENTRIES, PLANE_LARGE, PLANE_SMALL, RING_BYTES, SCRATCH_SLOTS, SLOTS,
};

use crate::layout::{DirectoryEntry, Owner, PendingExec, Scratch, ThreadHolds};

/// Cgroup id → label of the tasks in it. Written by the daemon; read when a task enters a cgroup.
#[map]
pub static CGROUPS: HashMap<u64, Label> = HashMap::with_max_entries(CGROUP_ENTRIES, 0);

/// The events, from the programs to the daemon.
#[map]
pub static EVENTS: RingBuf = RingBuf::with_byte_size(RING_BYTES, 0);

/// The counters of [`counters`]; added to atomically by the programs, read by the daemon.
#[map]
pub static COUNTERS: Array<u64> = Array::with_max_entries(counters::COUNTERS, 0);

/// Whether the trail takes records: 1 as long as it does. Written by the daemon; an operation that has to be
/// recorded is denied while it is 0.
#[map]
pub static RECORDING: Array<u32> = Array::with_max_entries(1, 0);

/// The scratch buffers; a hook takes a free one and gives it back. The programs' own.
#[map]
pub static SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(SCRATCH_SLOTS, 0);

/// The directory cache; see [`crate::cache`]. The programs' own, and not pinned: a new daemon's programs
/// begin with an empty one.
#[map]
pub static CACHE: PerCpuArray<DirectoryEntry> = PerCpuArray::with_max_entries(CACHE_ENTRIES, 0);

/// The number of directories that labelled tasks have set out to make. The programs' own.
#[map]
pub static DIRECTORIES: Array<u64> = Array::with_max_entries(1, 0);

/// A map that aya-ebpf has no type for, described the way libbpf does (tools/lib/bpf/libbpf.c
/// `parse_btf_map_def`): every number is the length of an array behind a pointer.
#[repr(C)]
pub struct TaskStorage<V> {
    r#type: *const [i32; BPF_MAP_TYPE_TASK_STORAGE as usize],
    key: *const i32,
    value: *const V,
    max_entries: *const [i32; 0],
    map_flags: *const [i32; 1],
}

// SAFETY: holds null pointers that nobody follows; the kernel's map behind it locks for itself.
unsafe impl<V> Sync for TaskStorage<V> {}

/// A socket storage, as [`TaskStorage`].
#[repr(C)]
pub struct SocketStorage<V> {
    r#type: *const [i32; BPF_MAP_TYPE_SK_STORAGE as usize],
    key: *const i32,
    value: *const V,
    max_entries: *const [i32; 0],
    map_flags: *const [i32; 1],
}

// SAFETY: as for TaskStorage.
unsafe impl<V> Sync for SocketStorage<V> {}

/// The label of each task that has one. Written when a task enters a labelled cgroup and at fork.
#[unsafe(link_section = ".maps")]
#[unsafe(no_mangle)]
pub static LABELS: TaskStorage<Label> =
    TaskStorage { r#type: null(), key: null(), value: null(), max_entries: null(), map_flags: null() };

/// The conditions that the exec under way in a task has still to meet. The programs' own.
#[unsafe(link_section = ".maps")]
#[unsafe(no_mangle)]
pub static EXECS: TaskStorage<PendingExec> =
    TaskStorage { r#type: null(), key: null(), value: null(), max_entries: null(), map_flags: null() };

/// The holds of each thread. The programs' own.
#[unsafe(link_section = ".maps")]
#[unsafe(no_mangle)]
pub static WAITS: TaskStorage<ThreadHolds> =
    TaskStorage { r#type: null(), key: null(), value: null(), max_entries: null(), map_flags: null() };

/// The operations that wait for a decision, by session. Read by the daemon, which removes the rest of those
/// that have ended.
#[map]
pub static HOLDS: HashMap<TableKey, Hold> = HashMap::with_max_entries(HOLD_ENTRIES, BPF_F_NO_PREALLOC);

/// Number of a hold → verdict. Written by the daemon; removed when the task gets its answer.
#[map]
pub static DECISIONS: HashMap<u64, u64> = HashMap::with_max_entries(HOLD_ENTRIES, 0);

/// Approvals for more than once, by session. Written by the daemon.
#[map]
pub static GRANTS: HashMap<TableKey, Grant> = HashMap::with_max_entries(GRANT_ENTRIES, BPF_F_NO_PREALLOC);

/// The owner of each UNIX socket. The programs' own.
#[unsafe(link_section = ".maps")]
#[unsafe(no_mangle)]
pub static SOCKETS: SocketStorage<Owner> =
    SocketStorage { r#type: null(), key: null(), value: null(), max_entries: null(), map_flags: null() };

/// The owner of each System V object and key, by the address of its structure. The programs' own.
#[map]
pub static OBJECTS: HashMap<u64, Owner> = HashMap::with_max_entries(OBJECT_ENTRIES, BPF_F_NO_PREALLOC);

/// The planes of one image: an array of [`PLANES`] elements of `N` bytes.
#[repr(C)]
pub struct Planes<const N: usize> {
    r#type: *const [i32; BPF_MAP_TYPE_ARRAY as usize],
    key: *const u32,
    value: *const [u8; N],
    max_entries: *const [i32; PLANES as usize],
}

/// The images of one size: slot → image.
#[repr(C)]
pub struct Images<const N: usize> {
    r#type: *const [i32; BPF_MAP_TYPE_ARRAY_OF_MAPS as usize],
    key: *const u32,
    max_entries: *const [i32; SLOTS as usize],
    values: [*const Planes<N>; 0],
}

// SAFETY: as for TaskStorage.
unsafe impl<const N: usize> Sync for Images<N> {}

/// Images of the small size, by slot. Written by the daemon: replacing an image is one store.
#[unsafe(link_section = ".maps")]
#[unsafe(no_mangle)]
pub static IMAGES_SMALL: Images<PLANE_SMALL> =
    Images { r#type: null(), key: null(), max_entries: null(), values: [] };

/// Images of the large size, by slot; looked at only where the small table has none.
#[unsafe(link_section = ".maps")]
#[unsafe(no_mangle)]
pub static IMAGES_LARGE: Images<PLANE_LARGE> =
    Images { r#type: null(), key: null(), max_entries: null(), values: [] };
