//! The calls of bpf(2) that aya does not wrap: maps by descriptor, maps within maps, pinned objects.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;

use bytemuck::{Pod, Zeroable};

const BPF_MAP_CREATE: libc::c_long = 0;
const BPF_MAP_LOOKUP_ELEM: libc::c_long = 1;
const BPF_MAP_UPDATE_ELEM: libc::c_long = 2;
const BPF_MAP_DELETE_ELEM: libc::c_long = 3;
const BPF_OBJ_PIN: libc::c_long = 6;
const BPF_OBJ_GET: libc::c_long = 7;
const BPF_PROG_GET_NEXT_ID: libc::c_long = 11;
const BPF_MAP_LOOKUP_BATCH: libc::c_long = 24;
const BPF_MAP_TYPE_ARRAY: u32 = 2;

/// `union bpf_attr` for the calls on elements of a map (include/uapi/linux/bpf.h).
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Element {
    map: u32,
    pad: u32,
    key: u64,
    value: u64,
    flags: u64,
}

/// For `BPF_MAP_LOOKUP_BATCH`.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Batch {
    from: u64,
    next: u64,
    keys: u64,
    values: u64,
    count: u32,
    map: u32,
    element_flags: u64,
    flags: u64,
}

/// More elements than a bucket of any of our maps can have.
const BUCKET: usize = 1 << 16;

/// For `BPF_MAP_CREATE`, up to the fields used.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Create {
    kind: u32,
    key: u32,
    value: u32,
    entries: u32,
    flags: u32,
    inner: u32,
    node: u32,
    name: [u8; 16],
}

/// For `BPF_OBJ_GET` and `BPF_OBJ_PIN`.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Object {
    path: u64,
    fd: u32,
    flags: u32,
}

pub(super) fn bpf<T: Pod>(command: libc::c_long, attributes: &mut T) -> io::Result<libc::c_long> {
    // SAFETY: the kernel reads size_of::<T>() bytes of attributes and follows the pointers in them, which
    // the callers, here and in `super::tracing`, take from live slices of the sizes that the call expects.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_mut(attributes), size_of::<T>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Takes the descriptor that a command of bpf(2) made.
pub(super) fn own(result: libc::c_long) -> io::Result<OwnedFd> {
    let fd = libc::c_int::try_from(result).map_err(io::Error::other)?;
    // SAFETY: callers pass what the kernel has just given to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Returns a descriptor as `union bpf_attr` has it.
pub(super) fn number(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd().cast_unsigned()
}

/// Returns a size or count as `union bpf_attr` has it.
///
/// # Errors
/// `InvalidInput` where it has more than 32 bits.
pub(super) fn count(length: usize) -> io::Result<u32> {
    u32::try_from(length).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

fn element(map: BorrowedFd<'_>, key: &[u8], value: u64) -> Element {
    Element { map: number(map), pad: 0, key: key.as_ptr() as u64, value, flags: 0 }
}

/// Makes an array map, whose values have `value` bytes.
///
/// # Errors
/// Where the kernel refuses.
pub fn create_array(name: &str, value: usize, entries: u32) -> io::Result<OwnedFd> {
    let value = count(value)?;
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().take(15).zip(name.bytes()) {
        *to = from;
    }
    let mut attributes =
        Create { kind: BPF_MAP_TYPE_ARRAY, key: 4, value, entries, flags: 0, inner: 0, node: 0, name: bytes };
    bpf(BPF_MAP_CREATE, &mut attributes).and_then(own)
}

/// Stores a value. `key` and `value` must have the sizes of the map's.
///
/// # Errors
/// Where the kernel refuses.
pub fn update(map: BorrowedFd<'_>, key: &[u8], value: &[u8]) -> io::Result<()> {
    bpf(BPF_MAP_UPDATE_ELEM, &mut element(map, key, value.as_ptr() as u64)).map(drop)
}

/// Stores a map in a map of maps.
///
/// # Errors
/// Where the kernel refuses.
pub fn update_inner(map: BorrowedFd<'_>, index: u32, inner: BorrowedFd<'_>) -> io::Result<()> {
    update(map, &index.to_ne_bytes(), &inner.as_raw_fd().to_ne_bytes())
}

/// Reads a value into `value`, which must have the size of the map's; false where there is none.
///
/// # Errors
/// Where the kernel refuses.
pub fn lookup(map: BorrowedFd<'_>, key: &[u8], value: &mut [u8]) -> io::Result<bool> {
    match bpf(BPF_MAP_LOOKUP_ELEM, &mut element(map, key, value.as_mut_ptr() as u64)) {
        Ok(_) => Ok(true),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes an element; false where there was none.
///
/// # Errors
/// Where the kernel refuses.
pub fn delete(map: BorrowedFd<'_>, key: &[u8]) -> io::Result<bool> {
    match bpf(BPF_MAP_DELETE_ELEM, &mut element(map, key, 0)) {
        Ok(_) => Ok(true),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns the values of a hash map whose keys have `key` bytes. An element that is there all the time is found, whatever
/// comes and goes meanwhile: each bucket is copied under its lock (kernel/bpf/hashtab.c `__htab_map_lookup_and_delete_batch`). A walk
/// from key to key is none such: it loses its way where the element it stands on goes and its memory is used again.
///
/// # Errors
/// Where the kernel refuses.
pub fn values<V: Pod>(map: BorrowedFd<'_>, key: usize) -> io::Result<Vec<V>> {
    let mut found = Vec::new();
    let (mut at, mut begun, mut room) = (0_u32, false, 16);
    loop {
        let (mut keys, mut values, mut next) = (vec![0_u8; key * room], vec![V::zeroed(); room], 0_u32);
        let mut attributes = Batch {
            from: if begun { (&raw const at) as u64 } else { 0 },
            next: (&raw mut next) as u64,
            keys: keys.as_mut_ptr() as u64,
            values: values.as_mut_ptr() as u64,
            count: count(room)?,
            map: number(map),
            element_flags: 0,
            flags: 0,
        };
        let end = match bpf(BPF_MAP_LOOKUP_BATCH, &mut attributes) {
            Ok(_) => false,
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => true,
            // A bucket comes whole.
            Err(error) if error.raw_os_error() == Some(libc::ENOSPC) && room < BUCKET => {
                room *= 2;
                continue;
            }
            Err(error) => return Err(error),
        };
        found.extend(values.into_iter().take(attributes.count as usize));
        if end {
            return Ok(found);
        }
        (at, begun) = (next, true);
    }
}

/// Opens a pinned object.
///
/// # Errors
/// Where the kernel refuses, or the path holds a NUL.
pub fn open_pinned(path: &Path) -> io::Result<OwnedFd> {
    let path = super::path_text(path)?;
    let mut attributes = Object { path: path.as_ptr() as u64, fd: 0, flags: 0 };
    bpf(BPF_OBJ_GET, &mut attributes).and_then(own)
}

/// Pins an object.
///
/// # Errors
/// Where the kernel refuses, or the path holds a NUL.
pub fn pin(object: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let path = super::path_text(path)?;
    let mut attributes = Object { path: path.as_ptr() as u64, fd: number(object), flags: 0 };
    bpf(BPF_OBJ_PIN, &mut attributes).map(drop)
}

/// For `BPF_PROG_GET_NEXT_ID`.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct FirstProgram {
    id: u32,
    next: u32,
    flags: u32,
}

/// Asks for the id of the first program: a call that changes nothing.
///
/// # Errors
/// Where the kernel refuses.
pub fn first_program_id() -> io::Result<()> {
    bpf(BPF_PROG_GET_NEXT_ID, &mut FirstProgram { id: 0, next: 0, flags: 0 }).map(drop)
}

/// A map found by its pin.
#[derive(Debug)]
pub struct PinnedMap(OwnedFd);

impl PinnedMap {
    /// Opens the array pinned at `path`, or makes and pins one.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn open_or_create(path: &Path, name: &str, value: usize, entries: u32) -> io::Result<Self> {
        match Self::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let map = create_array(name, value, entries)?;
                pin(map.as_fd(), path)?;
                Ok(Self(map))
            }
            result => result,
        }
    }

    /// Opens the map pinned at `path`.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn open(path: &Path) -> io::Result<Self> {
        open_pinned(path).map(Self)
    }
}

impl AsFd for PinnedMap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
