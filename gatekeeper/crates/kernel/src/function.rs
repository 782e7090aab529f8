//! Programs at the functions that ask the security modules, for kernels that don't ask those of BPF. The object file is
//! relocated a second time, against the maps that aya made: aya 0.14 can't load such a program.

use std::collections::HashSet;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use aya::Ebpf;
use aya::maps::Map;
use aya_obj::Object;
use gatekeeper_btf::Btf;

use super::attach_type;
use super::error::{KernelError, LoadError, ProgramFailure};
use crate::sys::tracing::{Tracing, load_types};

/// The object file, ready to load from.
#[derive(Debug)]
pub struct Functions {
    object: Object,
    types: OwnedFd,
}

impl Functions {
    /// Parses the object file and ties it to the maps that aya loaded.
    ///
    /// # Errors
    /// Where the object file is not the one that aya loaded, or the kernel refuses its types.
    pub fn new(object: &[u8], loaded: &Ebpf) -> Result<Self, KernelError> {
        let mut object = Object::parse(object).map_err(LoadError::from)?;
        let features = aya::features().btf().ok_or(LoadError::NoKernelTypes)?;
        let types = object.fixup_and_sanitize_btf(features).map_err(LoadError::from)?;
        let types = types.ok_or(LoadError::NoObjectTypes)?.to_bytes();
        let types = load_types(&types).map_err(KernelError::call("loading the object file's types"))?;
        let maps: Vec<(String, aya_obj::Map)> = object.maps.drain().collect();
        let mut tied: Vec<(&str, RawFd, &aya_obj::Map)> = Vec::new();
        for (name, map) in &maps {
            let fd = loaded.map(name).and_then(descriptor);
            let fd = fd.ok_or_else(|| LoadError::NoDescriptor(name.clone()))?;
            tied.push((name, fd.as_raw_fd(), map));
        }
        let sections: HashSet<usize> = object.functions.keys().map(|(section, _)| *section).collect();
        object.relocate_maps(tied.into_iter(), &sections).map_err(LoadError::from)?;
        object.relocate_calls(&sections).map_err(LoadError::from)?;
        Ok(Self { object, types })
    }

    /// Loads the program of a hook, for the function behind it.
    ///
    /// # Errors
    /// Where there is no such function, or the kernel refuses.
    pub fn load(&self, hook: &'static str, kernel: &Btf) -> Result<OwnedFd, KernelError> {
        self.try_load(hook, kernel).map_err(KernelError::program(hook))
    }

    fn try_load(&self, hook: &str, kernel: &Btf) -> Result<OwnedFd, ProgramFailure> {
        let (function, kind) = attach_type::function(hook);
        let target = kernel.function_id(&function).ok_or(ProgramFailure::NoFunction(function))?;
        let program = self.object.programs.get(hook).ok_or(ProgramFailure::Missing)?;
        let code = self.object.functions.get(&program.function_key()).ok_or(ProgramFailure::Missing)?;
        let (types, license) = (self.types.as_fd(), program.license.as_c_str());
        let tracing = Tracing { name: hook, kind, target, code, types, license };
        tracing.load().map_err(|(error, log)| ProgramFailure::verifier(error, &log))
    }
}

/// The kinds of map that the object file has.
fn descriptor(map: &Map) -> Option<BorrowedFd<'_>> {
    match map {
        Map::Array(data)
        | Map::ArrayOfMaps(data)
        | Map::HashMap(data)
        | Map::PerCpuArray(data)
        | Map::RingBuf(data)
        | Map::SkStorage(data)
        | Map::Unsupported(data) => Some(data.fd().as_fd()),
        _ => None,
    }
}
