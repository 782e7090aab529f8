//! bpf(2) for programs at kernel functions that can refuse (`BPF_MODIFY_RETURN`): aya 0.14 has no such type.

use std::ffi::CStr;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use aya_obj::Function;
use aya_obj::generated::{bpf_attach_type, bpf_prog_type};
use bytemuck::{Pod, Zeroable};

use super::bpf::{bpf, count, number, own};

const BPF_PROG_LOAD: libc::c_long = 5;
const BPF_RAW_TRACEPOINT_OPEN: libc::c_long = 17;
const BPF_BTF_LOAD: libc::c_long = 18;
/// `BPF_LOG_LEVEL1 | BPF_LOG_STATS` (`include/linux/bpf_verifier.h`).
const LOG_LEVEL: u32 = 1 | 4;
/// A verifier's log of this size has room for the longest of our programs; a longer one is cut off.
const LOG_BYTES: usize = 16 << 20;

/// For `BPF_PROG_LOAD`, up to the fields used (include/uapi/linux/bpf.h).
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Load {
    kind: u32,
    count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel: u32,
    flags: u32,
    name: [u8; 16],
    device: u32,
    attach: u32,
    types: u32,
    function_size: u32,
    functions: u64,
    function_count: u32,
    line_size: u32,
    lines: u64,
    line_count: u32,
    target: u32,
    target_object: u32,
    pad: u32,
}

/// For `BPF_BTF_LOAD`.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Types {
    bytes: u64,
    log: u64,
    size: u32,
    log_size: u32,
    log_level: u32,
    pad: u32,
}

/// For `BPF_RAW_TRACEPOINT_OPEN`.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Open {
    name: u64,
    program: u32,
    pad: u32,
}

/// The type of a program at a kernel function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TracingType {
    /// It runs before the function; another result than 0 keeps the function from running and is its result.
    ModifyReturn,
    /// It runs before the function, whose result it can't change.
    Fentry,
}

/// A program to load.
#[derive(Debug)]
pub struct Tracing<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type.
    pub kind: TracingType,
    /// The BTF id of the kernel function to run at.
    pub target: u32,
    /// Its instructions, relocated, with what describes its functions.
    pub code: &'a Function,
    /// The types that this description refers to.
    pub types: BorrowedFd<'a>,
    /// Its license.
    pub license: &'a CStr,
}

/// Loads the types of an object file.
///
/// # Errors
/// Where the kernel refuses.
pub fn load_types(bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut attributes =
        Types { bytes: bytes.as_ptr() as u64, size: count(bytes.len())?, ..Zeroable::zeroed() };
    bpf(BPF_BTF_LOAD, &mut attributes).and_then(own)
}

impl Tracing<'_> {
    fn load_with(&self, log: &mut [u8]) -> io::Result<OwnedFd> {
        let mut name = [0; 16];
        for (to, from) in name.iter_mut().take(15).zip(self.name.bytes()) {
            *to = from;
        }
        let attach = match self.kind {
            TracingType::ModifyReturn => bpf_attach_type::BPF_MODIFY_RETURN,
            TracingType::Fentry => bpf_attach_type::BPF_TRACE_FENTRY,
        };
        let (functions, lines) =
            (self.code.func_info.func_info_bytes(), self.code.line_info.line_info_bytes());
        let mut attributes = Load {
            kind: bpf_prog_type::BPF_PROG_TYPE_TRACING as u32,
            count: count(self.code.instructions.len())?,
            instructions: self.code.instructions.as_ptr() as u64,
            license: self.license.as_ptr() as u64,
            name,
            attach: attach as u32,
            types: number(self.types),
            function_size: count(self.code.func_info_rec_size)?,
            functions: functions.as_ptr() as u64,
            function_count: count(self.code.func_info.func_info.len())?,
            line_size: count(self.code.line_info_rec_size)?,
            lines: lines.as_ptr() as u64,
            line_count: count(self.code.line_info.line_info.len())?,
            target: self.target,
            ..Zeroable::zeroed()
        };
        if !log.is_empty() {
            attributes.log_level = LOG_LEVEL;
            attributes.log_size = count(log.len())?;
            attributes.log = log.as_mut_ptr() as u64;
        }
        bpf(BPF_PROG_LOAD, &mut attributes).and_then(own)
    }

    /// Loads it: the kernel verifies it.
    ///
    /// # Errors
    /// Where the kernel refuses, with the verifier's log.
    pub fn load(&self) -> Result<OwnedFd, (io::Error, String)> {
        // A log makes verifying several times as long: only where it is wanted.
        let error = match self.load_with(&mut []) {
            Ok(program) => return Ok(program),
            Err(error) => error,
        };
        let mut log = vec![0; LOG_BYTES];
        let again = self.load_with(&mut log);
        let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
        again.map_err(|_| (error, String::from_utf8_lossy(&log[..end]).into_owned()))
    }
}

/// Attaches a loaded program to its function; it stays so as long as the link is held or pinned.
///
/// # Errors
/// Where the kernel refuses.
pub fn attach(program: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut attributes = Open { name: 0, program: number(program), pad: 0 };
    bpf(BPF_RAW_TRACEPOINT_OPEN, &mut attributes).and_then(own)
}
