//! Loads the object file with this kernel's offsets, attaches every program, pins every link.

use std::collections::HashMap;
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use aya::programs::links::FdLink;
use aya::programs::{BtfTracePoint, FEntry, FExit, Iter, Lsm, ProgramError};
use aya::{Ebpf, EbpfLoader, VerifierLogLevel};
use tracing::info;

use super::attachment::Attachment;
use super::built::{self, Built};
use super::error::KernelError;
use super::fields::offsets;
use super::function::Functions;
use super::pinned;
use super::programs::{CENSUS, Kind, MAPS, Program, programs as listed};
use super::seqcounts;
use super::unsupported::{self, Unsupported};
use crate::sys::bpf;
use crate::sys::tracing::attach as attach_at;
use gatekeeper_btf::Btf;

static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/gatekeeper.bpf.o"));

fn folder(path: &Path) -> Result<(), KernelError> {
    fs::create_dir_all(path).map_err(KernelError::call(format!("making {}", path.display())))
}

/// The programs, which of them are attached, and what this kernel can't enforce.
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
    let kernel_types = aya::Btf::from_sys_fs().map_err(|error| KernelError::Load(error.to_string()))?;
    let mut loader = EbpfLoader::new();
    loader.btf(Some(&kernel_types)).allow_unsupported_maps().verifier_log_level(log);
    for (global, offset) in &offsets {
        loader.override_global(global, offset, true);
    }
    let (sequences, span) = seqcounts::sequences();
    loader.override_global("SEQUENCES_AT", &sequences, true).override_global("SEQUENCES_SPAN", &span, true);
    let at_functions = u32::from(attachment == Attachment::Function);
    loader.override_global("AT_FUNCTIONS", &at_functions, true);
    for map in MAPS {
        loader.map_pin_path(map, maps.join(map));
    }
    let mut programs = loader.load(OBJECT).map_err(|error| KernelError::Load(chain(&error)))?;
    let list = listed(attachment, &kernel);
    let globals = offsets.iter().map(|(global, offset)| (*global, u64::from(*offset))).chain([
        ("SEQUENCES_AT", sequences),
        ("SEQUENCES_SPAN", u64::from(span)),
        ("AT_FUNCTIONS", u64::from(at_functions)),
    ]);
    let built = Built::of(OBJECT, globals, &list);
    let census: &mut Iter = find(&mut programs, CENSUS)?;
    census.load("task", &kernel_types).map_err(|error| refused(CENSUS, &error))?;
    if built.stands(pins, &list) {
        info!("the programs in the kernel are this version's: they stay");
        return Ok((programs, list, unsupported::of(&kernel)));
    }
    let mut prepared = HashMap::new();
    let functions = match attachment {
        Attachment::Lsm => None,
        Attachment::Function => Some(Functions::new(OBJECT, &programs)?),
    };
    for program in &list {
        match &functions {
            Some(functions) if program.kind == Kind::Lsm => {
                prepared.insert(program.name, functions.load(program.name, &kernel)?);
            }
            _ => prepare(&mut programs, program, &kernel_types)?,
        }
    }
    let links = pins.join("links");
    folder(&links)?;
    built::forget(pins)?;
    for program in &list {
        match prepared.get(program.name) {
            Some(function) => attach_function(program.name, function, &links)?,
            None => attach(&mut programs, program, &links)?,
        }
    }
    built.note(pins)?;
    Ok((programs, list, unsupported::of(&kernel)))
}

fn find<'a, P>(programs: &'a mut Ebpf, name: &'static str) -> Result<&'a mut P, KernelError>
where
    &'a mut P: TryFrom<&'a mut aya::programs::Program, Error = ProgramError>,
{
    let missing = || KernelError::Program { program: name, message: "not in the object file".into() };
    programs.program_mut(name).ok_or_else(missing)?.try_into().map_err(|error| refused(name, &error))
}

fn prepare(programs: &mut Ebpf, program: &Program, types: &aya::Btf) -> Result<(), KernelError> {
    let name = program.name;
    match program.kind {
        Kind::Lsm => find::<Lsm>(programs, name)?.load(name, types),
        Kind::Tracepoint => find::<BtfTracePoint>(programs, name)?.load(name, types),
        Kind::Entry => find::<FEntry>(programs, name)?.load(name, types),
        Kind::Exit => find::<FExit>(programs, name)?.load(name, types),
    }
    .map_err(|error| refused(name, &error))
}

fn attach(programs: &mut Ebpf, program: &Program, links: &Path) -> Result<(), KernelError> {
    let name = program.name;
    let refuse = |error: ProgramError| refused(name, &error);
    let link: FdLink = match program.kind {
        Kind::Lsm => {
            let lsm: &mut Lsm = find(programs, name)?;
            let id = lsm.attach().map_err(refuse)?;
            lsm.take_link(id).map_err(refuse)?.into()
        }
        Kind::Tracepoint => {
            let tracepoint: &mut BtfTracePoint = find(programs, name)?;
            let id = tracepoint.attach().map_err(refuse)?;
            tracepoint.take_link(id).map_err(refuse)?.into()
        }
        Kind::Entry => {
            let entry: &mut FEntry = find(programs, name)?;
            let id = entry.attach().map_err(refuse)?;
            entry.take_link(id).map_err(refuse)?.into()
        }
        Kind::Exit => {
            let exit: &mut FExit = find(programs, name)?;
            let id = exit.attach().map_err(refuse)?;
            exit.take_link(id).map_err(refuse)?.into()
        }
    };
    settle(name, links, |path| {
        link.pin(path)
            .map_err(|error| KernelError::Program { program: name, message: chain(&error) })
            .map(drop)
    })
}

fn attach_function(name: &'static str, program: &OwnedFd, links: &Path) -> Result<(), KernelError> {
    let link = attach_at(program.as_fd()).map_err(KernelError::call(format!("attaching {name}")))?;
    settle(name, links, |path| {
        bpf::pin(link.as_fd(), path).map_err(KernelError::call(format!("pinning {}", path.display())))
    })
}

/// The new link holds before the old one goes: bpffs renames over, and the old link ends with its name.
fn settle(
    name: &str,
    links: &Path,
    pin: impl FnOnce(&Path) -> Result<(), KernelError>,
) -> Result<(), KernelError> {
    let (fresh, settled) = (links.join(format!("{name}-next")), links.join(name));
    let _ = fs::remove_file(&fresh);
    pin(&fresh)?;
    fs::rename(&fresh, &settled).map_err(KernelError::call(format!("pinning {}", settled.display())))
}

fn refused(program: &'static str, error: &ProgramError) -> KernelError {
    if let ProgramError::LoadError { io_error, verifier_log } = error {
        let log = verifier_log.to_string();
        let mut tail: Vec<&str> = log.lines().rev().take(60).collect();
        tail.reverse();
        return KernelError::Program { program, message: format!("{io_error}\n{}", tail.join("\n")) };
    }
    KernelError::Program { program, message: chain(error) }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}
