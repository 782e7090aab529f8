//! The running kernel's description of its own types (BTF), as far as we ask: where a field lies.
//!
//! Format: Documentation/bpf/btf.rst, include/uapi/linux/btf.h.

use std::collections::HashMap;
use std::io;
use std::path::Path;

/// Why an offset could not be had.
#[derive(Debug, thiserror::Error)]
pub enum BtfError {
    /// No BTF to read.
    #[error("{path}: {source} (the kernel must be built with CONFIG_DEBUG_INFO_BTF)")]
    Read {
        /// The file.
        path: String,
        /// What reading it said.
        source: io::Error,
    },
    /// Not BTF, or cut off.
    #[error("malformed BTF: {0}")]
    Malformed(&'static str),
    /// The field is not there.
    #[error("this kernel has no field {0}.{1}")]
    NoField(&'static str, &'static str),
}

const MAGIC: u16 = 0xeb9f;
const KIND_INT: u32 = 1;
const KIND_ARRAY: u32 = 3;
const KIND_STRUCT: u32 = 4;
const KIND_UNION: u32 = 5;
const KIND_ENUM: u32 = 6;
const KIND_TYPEDEF: u32 = 8;
const KIND_VOLATILE: u32 = 9;
const KIND_CONST: u32 = 10;
const KIND_FUNC: u32 = 12;
const KIND_FUNC_PROTO: u32 = 13;
const KIND_VAR: u32 = 14;
const KIND_DATASEC: u32 = 15;
const KIND_DECL_TAG: u32 = 17;
const KIND_ENUM64: u32 = 19;
const TYPE_BYTES: usize = 12;
const MEMBER_BYTES: usize = 12;
/// Anonymous structures nested deeper than this don't occur in a kernel.
const NESTING: u32 = 16;

/// A parsed BTF section.
#[derive(Debug)]
pub struct Btf {
    bytes: Vec<u8>,
    strings: usize,
    /// Where each type stands, by its number; type 0 is void.
    types: Vec<usize>,
    /// Structures and unions by name.
    named: HashMap<String, u32>,
    functions: HashMap<String, u32>,
}

fn word(bytes: &[u8], at: usize) -> Result<u32, BtfError> {
    let four = bytes.get(at..at + 4).ok_or(BtfError::Malformed("cut off"))?;
    Ok(u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
}

impl Btf {
    /// Reads the BTF of the running kernel.
    ///
    /// # Errors
    /// Where the kernel has none, or it can't be understood.
    pub fn of_kernel() -> Result<Self, BtfError> {
        Self::from_file(Path::new("/sys/kernel/btf/vmlinux"))
    }

    /// Reads BTF from a file.
    ///
    /// # Errors
    /// Where the file can't be read or understood.
    pub fn from_file(path: &Path) -> Result<Self, BtfError> {
        let bytes = std::fs::read(path)
            .map_err(|source| BtfError::Read { path: path.display().to_string(), source })?;
        Self::parse(bytes)
    }

    /// Understands a BTF section.
    ///
    /// # Errors
    /// Where it is malformed.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, BtfError> {
        if word(&bytes, 0)? as u16 != MAGIC {
            return Err(BtfError::Malformed("no magic number"));
        }
        let header = word(&bytes, 4)? as usize;
        let (type_at, type_bytes) = (header + word(&bytes, 8)? as usize, word(&bytes, 12)? as usize);
        let strings = header + word(&bytes, 16)? as usize;
        let mut btf =
            Self { bytes, strings, types: vec![0], named: HashMap::new(), functions: HashMap::new() };
        let mut at = type_at;
        while at < type_at + type_bytes {
            let number = btf.types.len() as u32;
            let (kind, entries) = (btf.kind(at)?, btf.entries(at)?);
            let name = btf.name(word(&btf.bytes, at)?);
            match kind {
                KIND_STRUCT | KIND_UNION if !name.is_empty() => {
                    btf.named.entry(name).or_insert(number);
                }
                KIND_FUNC => {
                    btf.functions.entry(name).or_insert(number);
                }
                _ => {}
            }
            btf.types.push(at);
            at += TYPE_BYTES
                + match kind {
                    KIND_INT | KIND_VAR | KIND_DECL_TAG => 4,
                    KIND_ARRAY => 12,
                    KIND_STRUCT | KIND_UNION => MEMBER_BYTES * entries,
                    KIND_ENUM | KIND_FUNC_PROTO => 8 * entries,
                    KIND_DATASEC | KIND_ENUM64 => 12 * entries,
                    _ => 0,
                };
        }
        Ok(btf)
    }

    fn kind(&self, at: usize) -> Result<u32, BtfError> {
        Ok(word(&self.bytes, at + 4)? >> 24 & 0x1f)
    }

    fn entries(&self, at: usize) -> Result<usize, BtfError> {
        Ok((word(&self.bytes, at + 4)? & 0xffff) as usize)
    }

    fn name(&self, offset: u32) -> String {
        let rest = self.bytes.get(self.strings + offset as usize..).unwrap_or_default();
        let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
        String::from_utf8_lossy(&rest[..end]).into_owned()
    }

    /// The structure or union behind qualifiers and type names.
    fn aggregate(&self, mut number: u32) -> Result<Option<u32>, BtfError> {
        for _ in 0..NESTING {
            let Some(at) = self.types.get(number as usize).copied().filter(|_| number != 0) else { break };
            match self.kind(at)? {
                KIND_STRUCT | KIND_UNION => return Ok(Some(number)),
                KIND_TYPEDEF | KIND_VOLATILE | KIND_CONST => number = word(&self.bytes, at + 8)?,
                _ => break,
            }
        }
        Ok(None)
    }

    /// Bit offset of a member, looked for in anonymous structures and unions too: fields hide there
    /// from one kernel to the next (`file.f_path` on 6.18).
    fn member(&self, number: u32, name: &str, depth: u32) -> Result<Option<u32>, BtfError> {
        let Some(at) = self.types.get(number as usize).copied().filter(|_| depth < NESTING) else {
            return Ok(None);
        };
        // With the kind flag, the top byte of an offset is the width of a bit field.
        let mask = if word(&self.bytes, at + 4)? >> 31 == 1 { 0x00ff_ffff } else { u32::MAX };
        for index in 0..self.entries(at)? {
            let member = at + TYPE_BYTES + index * MEMBER_BYTES;
            let found = self.name(word(&self.bytes, member)?);
            let offset = word(&self.bytes, member + 8)? & mask;
            if found == name {
                return Ok(Some(offset));
            }
            if found.is_empty()
                && let Some(inner) = self.aggregate(word(&self.bytes, member + 4)?)?
                && let Some(within) = self.member(inner, name, depth + 1)?
            {
                return Ok(Some(offset + within));
            }
        }
        Ok(None)
    }

    /// Byte offset of a field. A name may have been given a leading `__` (`dentry.d_name` on 6.17).
    ///
    /// # Errors
    /// Where the kernel has no such field, or it does not begin on a byte.
    pub fn offset(&self, structure: &'static str, field: &'static str) -> Result<u32, BtfError> {
        let missing = BtfError::NoField(structure, field);
        let Some(number) = self.named.get(structure) else { return Err(missing) };
        let found = match self.member(*number, field, 0)? {
            Some(offset) => Some(offset),
            None => self.member(*number, &format!("__{field}"), 0)?,
        };
        match found {
            Some(bits) if bits % 8 == 0 => Ok(bits / 8),
            _ => Err(missing),
        }
    }

    /// How many parameters a function has; none where the kernel has no such function.
    #[must_use]
    pub fn parameters(&self, name: &str) -> Option<usize> {
        let function = *self.types.get(*self.functions.get(name)? as usize)?;
        let prototype = word(&self.bytes, function + 8).ok()?;
        self.entries(*self.types.get(prototype as usize)?).ok()
    }

    /// The number of the kernel's function of this name.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<u32> {
        self.functions.get(name).copied()
    }

    /// Whether the kernel has a function of this name.
    #[must_use]
    pub fn has_function(&self, name: &str) -> bool {
        self.functions.contains_key(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_btf() {
        assert!(matches!(Btf::parse(vec![]), Err(BtfError::Malformed(_))));
        assert!(matches!(Btf::parse(vec![0; 64]), Err(BtfError::Malformed(_))));
    }
}
