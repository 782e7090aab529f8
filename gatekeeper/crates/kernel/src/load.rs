//! Loads the object file with this kernel's offsets, attaches every program, pins every link.

use std::collections::HashMap;
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use aya::programs::links::FdLink;
use aya::programs::{BtfTracePoint, FEntry, FExit, Iter, Lsm};
use aya::{Ebpf, EbpfLoader, VerifierLogLevel};
use gatekeeper_btf::Btf;
use tracing::info;

use super::attachment::Attachment;
use super::built::{self, Built};
use super::error::{KernelError, LoadError, ProgramFailure};
use super::fields::offsets;
use super::function::Functions;
use super::programs::{CENSUS, Kind, MAPS, Program, programs as listed};
use super::seqcounts;
use super::unsupported::{self, Unsupported};
use super::{parallel, pinned};
use crate::sys::bpf;
use crate::sys::tracing::attach as attach_at;

static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/gatekeeper.bpf.o"));

fn folder(path: &Path) -> Result<(), KernelError> {
    fs::create_dir_all(path).map_err(KernelError::call(format!("making {}", path.display())))
}

/// The object file, the programs of it that are attached, and the operations that this kernel can't enforce.
type Loaded = (Ebpf, Vec<&'static Program>, Vec<Unsupported>);

/// Loads and attaches everything, and pins it under `pins`: maps found there are taken over, links
/// found there stay where they are of the same programs, and else are let go only after the new ones hold.
///
/// # Errors
/// Where the kernel lacks a field or refuses a map or a program; what was pinned before stays.
pub fn load(pins: &Path, attachment: Attachment) -> Result<Loaded, KernelError> {
    // A full log of the verifier's steps makes loading several times as long: only where it is wanted.
    match load_with(pins, attachment, VerifierLogLevel::STATS) {
        Err(KernelError::Program { .. }) => {
            load_with(pins, attachment, VerifierLogLevel::DEBUG | VerifierLogLevel::STATS)
        }
        result => result,
    }
}

fn load_with(pins: &Path, attachment: Attachment, log: VerifierLogLevel) -> Result<Loaded, KernelError> {
    let maps = pins.join("maps");
    folder(&maps)?;
    pinned::check(&maps, OBJECT)?;
    let kernel = Btf::of_kernel()?;
    let offsets = offsets(&kernel, attachment)?;
    let kernel_types = aya::Btf::from_sys_fs().map_err(LoadError::from)?;
    let mut loader = EbpfLoader::new();
    loader.btf(Some(&kernel_types)).allow_unsupported_maps().verifier_log_level(log);
    for (global, offset) in &offsets {
        loader.override_global(global, offset, true);
    }
    let (sequences, span) = seqcounts::sequences();
    loader.override_global("SEQUENCES_AT", &sequences, true).override_global("SEQUENCES_SPAN", &span, true);
    let function_mode = u32::from(attachment == Attachment::Function);
    loader.override_global("AT_FUNCTIONS", &function_mode, true);
    for map in MAPS {
        loader.map_pin_path(map, maps.join(map));
    }
    let mut programs = loader.load(OBJECT).map_err(LoadError::from)?;
    let list = listed(attachment, &kernel);
    let globals = offsets.iter().map(|(global, offset)| (*global, u64::from(*offset))).chain([
        ("SEQUENCES_AT", sequences),
        ("SEQUENCES_SPAN", u64::from(span)),
        ("AT_FUNCTIONS", u64::from(function_mode)),
    ]);
    let built = Built::of(OBJECT, globals, &list);
    load_census(&mut programs, &kernel_types).map_err(KernelError::program(CENSUS))?;
    if built.stands(pins, &list) {
        info!("the programs in the kernel are this version's: they stay");
        return Ok((programs, list, unsupported::of(&kernel)));
    }
    let functions = match attachment {
        Attachment::Lsm => None,
        Attachment::Function => Some(Functions::new(OBJECT, &programs)?),
    };
    let at_functions = verify(&mut programs, &list, functions.as_ref(), &kernel, &kernel_types)?;
    let links = pins.join("links");
    folder(&links)?;
    built::forget(pins)?;
    for program in &list {
        match at_functions.get(program.name) {
            Some(function) => attach_function(program.name, function, &links)?,
            None => attach(&mut programs, program, &links)?,
        }
    }
    built.note(pins)?;
    Ok((programs, list, unsupported::of(&kernel)))
}

fn load_census(programs: &mut Ebpf, types: &aya::Btf) -> Result<(), ProgramFailure> {
    let census = programs.program_mut(CENSUS).ok_or(ProgramFailure::Missing)?;
    Ok(<&mut Iter>::try_from(census)?.load("task", types)?)
}

/// Loads every program of the list; returns those at functions, which aya can't load.
///
/// The kernel verifies programs of root side by side (kernel/bpf/verifier.c `bpf_check` takes `bpf_verifier_lock` only
/// for callers without `CAP_BPF`, Linux 6.1 to 7.3), and verifying is most of a daemon's start.
fn verify(
    programs: &mut Ebpf,
    list: &[&'static Program],
    functions: Option<&Functions>,
    kernel: &Btf,
    types: &aya::Btf,
) -> Result<HashMap<&'static str, OwnedFd>, KernelError> {
    let mut objects: HashMap<&str, &mut aya::programs::Program> = programs.programs_mut().collect();
    let jobs = list.iter().map(|program| (*program, objects.remove(program.name))).collect();
    let loaded = parallel::each(jobs, |(program, object)| match functions {
        Some(functions) if program.kind == Kind::Lsm => {
            functions.load(program.name, kernel).map(|function| Some((program.name, function)))
        }
        _ => load_program(program, object, types).map(|()| None).map_err(KernelError::program(program.name)),
    })?;
    Ok(loaded.into_iter().flatten().collect())
}

fn load_program(
    program: &Program,
    object: Option<&mut aya::programs::Program>,
    types: &aya::Btf,
) -> Result<(), ProgramFailure> {
    let (name, object) = (program.name, object.ok_or(ProgramFailure::Missing)?);
    match program.kind {
        Kind::Lsm => <&mut Lsm>::try_from(object)?.load(name, types)?,
        Kind::Tracepoint => <&mut BtfTracePoint>::try_from(object)?.load(name, types)?,
        Kind::Entry => <&mut FEntry>::try_from(object)?.load(name, types)?,
        Kind::Exit => <&mut FExit>::try_from(object)?.load(name, types)?,
    }
    Ok(())
}

fn attach(programs: &mut Ebpf, program: &Program, links: &Path) -> Result<(), KernelError> {
    let name = program.name;
    let link = attached(programs, program).map_err(KernelError::program(name))?;
    replace_link(name, links, |path| link.pin(path).map(drop).map_err(KernelError::program(name)))
}

fn attached(programs: &mut Ebpf, program: &Program) -> Result<FdLink, ProgramFailure> {
    let object = programs.program_mut(program.name).ok_or(ProgramFailure::Missing)?;
    Ok(match program.kind {
        Kind::Lsm => {
            let lsm = <&mut Lsm>::try_from(object)?;
            let id = lsm.attach()?;
            lsm.take_link(id)?.into()
        }
        Kind::Tracepoint => {
            let tracepoint = <&mut BtfTracePoint>::try_from(object)?;
            let id = tracepoint.attach()?;
            tracepoint.take_link(id)?.into()
        }
        Kind::Entry => {
            let entry = <&mut FEntry>::try_from(object)?;
            let id = entry.attach()?;
            entry.take_link(id)?.into()
        }
        Kind::Exit => {
            let exit = <&mut FExit>::try_from(object)?;
            let id = exit.attach()?;
            exit.take_link(id)?.into()
        }
    })
}

fn attach_function(name: &'static str, program: &OwnedFd, links: &Path) -> Result<(), KernelError> {
    let link = attach_at(program.as_fd()).map_err(KernelError::call(format!("attaching {name}")))?;
    replace_link(name, links, |path| {
        bpf::pin(link.as_fd(), path).map_err(KernelError::call(format!("pinning {}", path.display())))
    })
}

/// Pins a link in place of the one before. The new one holds before the old one goes: bpffs renames over it
/// (kernel/bpf/inode.c `bpf_dir_iops`, `simple_rename`), and the old link ends with its name.
fn replace_link(
    name: &str,
    links: &Path,
    pin: impl FnOnce(&Path) -> Result<(), KernelError>,
) -> Result<(), KernelError> {
    let (fresh, settled) = (links.join(format!("{name}-next")), links.join(name));
    let _ = fs::remove_file(&fresh);
    pin(&fresh)?;
    fs::rename(&fresh, &settled).map_err(KernelError::call(format!("pinning {}", settled.display())))
}
