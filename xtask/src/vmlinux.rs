//! A kernel's own description of its types (BTF), out of its compressed image.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::cmd::cmd;
use crate::kernels::Kernel;

/// The header of a bzImage: Documentation/arch/x86/boot.rst.
const SETUP_SECTORS: usize = 0x1f1;
const PAYLOAD_OFFSET: usize = 0x248;
const PAYLOAD_LENGTH: usize = 0x24c;
const SECTOR: usize = 512;

/// How kernels are compressed: the first bytes, and what unpacks them.
const FORMATS: [(&[u8], &str); 3] = [
    (&[0x28, 0xb5, 0x2f, 0xfd], "zstd"),
    (&[0x02, 0x21, 0x4c, 0x18], "lz4"),
    (&[0xfd, 0x37, 0x7a, 0x58, 0x5a], "xz"),
];

/// The section `.BTF`, kept beside the kernel once it was unpacked.
pub fn btf(kernel: &Kernel) -> Result<Vec<u8>> {
    let dir = kernel.image.parent().context("a kernel lies in a folder")?;
    let cache = dir.join("btf");
    if let Ok(bytes) = fs::read(&cache) {
        return Ok(bytes);
    }
    let elf = unpack(&kernel.image).with_context(|| format!("cannot unpack {}", kernel.image.display()))?;
    let bytes = section(&elf, ".BTF")?.to_vec();
    // Another xtask may be at it, too: whoever is last leaves the same bytes.
    let fresh = dir.join(format!("btf-{}", std::process::id()));
    fs::write(&fresh, &bytes).context("cannot keep the kernel's types")?;
    fs::rename(&fresh, &cache).context("cannot keep the kernel's types")?;
    Ok(bytes)
}

fn unpack(image: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(image)?;
    let setup = *bytes.get(SETUP_SECTORS).context("too short for a kernel")? as usize;
    let begin = (setup + 1) * SECTOR + number(&bytes, PAYLOAD_OFFSET, 4)?;
    // The last four bytes are the unpacked size.
    let end = begin + number(&bytes, PAYLOAD_LENGTH, 4)?.saturating_sub(4);
    let payload = bytes.get(begin..end).context("the compressed kernel is cut off")?;
    let (_, tool) = FORMATS
        .iter()
        .find(|(magic, _)| payload.starts_with(magic))
        .context("compressed in a way that is not known here")?;
    let packed = image.with_extension(format!("{}.{tool}", std::process::id()));
    fs::write(&packed, payload)?;
    let unpacked = cmd(tool).args(["-q", "-d", "-c"]).arg(&packed).help("cargo xtask setup").read_bytes();
    fs::remove_file(&packed)?;
    unpacked
}

/// A little-endian number of so many bytes.
fn number(bytes: &[u8], at: usize, width: usize) -> Result<usize> {
    let part = bytes.get(at..at + width).context("cut off")?;
    Ok(part.iter().rev().fold(0, |value, byte| value << 8 | usize::from(*byte)))
}

/// A section of a 64-bit little-endian ELF file, by its name.
fn section<'a>(elf: &'a [u8], name: &str) -> Result<&'a [u8]> {
    if !elf.starts_with(b"\x7fELF\x02\x01") {
        bail!("the kernel is no 64-bit ELF file");
    }
    let (table, size, count) = (number(elf, 40, 8)?, number(elf, 58, 2)?, number(elf, 60, 2)?);
    let header = |index: usize| table + index * size;
    let content = |index: usize| -> Result<&[u8]> {
        let (begin, length) = (number(elf, header(index) + 24, 8)?, number(elf, header(index) + 32, 8)?);
        elf.get(begin..begin + length).context("a section is cut off")
    };
    let names = content(number(elf, 62, 2)?)?;
    for index in 0..count {
        let rest = names.get(number(elf, header(index), 4)?..).unwrap_or_default();
        if rest.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"\0")) {
            return content(index);
        }
    }
    bail!("the kernel has no section {name} (CONFIG_DEBUG_INFO_BTF)")
}
