//! Maps that an earlier daemon pinned are taken over, where they have the shape that this version's programs expect.

use std::path::{Path, PathBuf};

use aya::maps::MapInfo;
use aya_obj::{Map, Object};

use super::error::{KernelError, LoadError};
use super::programs::MAPS;

/// `BPF_MAP_TYPE_RINGBUF` (include/uapi/linux/bpf.h): its size is rounded to what the machine's pages allow.
const RING: u32 = 27;

/// The numbers that must be the same of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    key: u32,
    value: u32,
    entries: u32,
}

impl Shape {
    fn wanted(map: &Map) -> Self {
        let entries = if map.map_type() == RING { 0 } else { map.max_entries() };
        Self { key: map.key_size(), value: map.value_size(), entries }
    }

    fn found(info: &MapInfo, wanted: Self) -> Self {
        let entries = if wanted.entries == 0 { 0 } else { info.max_entries() };
        Self { key: info.key_size(), value: info.value_size(), entries }
    }
}

/// Refuses the maps of a version that kept other things in them: read by this one, they would mean something else.
///
/// # Errors
/// Names the first such map, and the help.
pub fn check(maps: &Path, object: &[u8]) -> Result<(), KernelError> {
    let pinned: Vec<(&str, PathBuf)> =
        MAPS.iter().map(|name| (*name, maps.join(name))).filter(|(_, path)| path.exists()).collect();
    // Parsing the object file takes a while: not at the first start after a boot, when nothing is pinned.
    if pinned.is_empty() {
        return Ok(());
    }
    let object = Object::parse(object).map_err(LoadError::from)?;
    for (name, path) in pinned {
        let Some(map) = object.maps.get(name) else { continue };
        let info =
            MapInfo::from_pin(&path).map_err(|source| LoadError::Map { path: path.clone(), source })?;
        let wanted = Shape::wanted(map);
        if Shape::found(&info, wanted) != wanted {
            return Err(KernelError::OtherVersion { map: path });
        }
    }
    Ok(())
}
