//! Prototypes out of a kernel's BTF (Documentation/bpf/btf.rst, include/uapi/linux/btf.h).

use std::collections::HashMap;

use anyhow::{Context, Result, bail};

const MAGIC: u32 = 0xeb9f;
const TYPE_BYTES: usize = 12;
/// Types nested deeper than this don't occur in an argument.
const NESTING: u32 = 16;

const INT: u32 = 1;
const PTR: u32 = 2;
const ARRAY: u32 = 3;
const STRUCT: u32 = 4;
const UNION: u32 = 5;
const ENUM: u32 = 6;
const FWD: u32 = 7;
const TYPEDEF: u32 = 8;
const VOLATILE: u32 = 9;
const CONST: u32 = 10;
const RESTRICT: u32 = 11;
const FUNC: u32 = 12;
const FUNC_PROTO: u32 = 13;
const VAR: u32 = 14;
const DATASEC: u32 = 15;
const FLOAT: u32 = 16;
const DECL_TAG: u32 = 17;
const TYPE_TAG: u32 = 18;
const ENUM64: u32 = 19;

/// A function's types, each spelt as in C.
#[derive(Debug, PartialEq, Eq, Clone)]
pub struct Prototype {
    /// The type it returns.
    pub result: String,
    /// Its arguments, in order.
    pub arguments: Vec<String>,
}

/// A parsed section.
pub struct Btf {
    bytes: Vec<u8>,
    strings: usize,
    /// Where each type stands, by its number; type 0 is void.
    types: Vec<usize>,
    functions: HashMap<String, u32>,
    typedefs: HashMap<String, u32>,
}

impl Btf {
    /// Understands a BTF section.
    pub fn parse(bytes: Vec<u8>) -> Result<Btf> {
        let mut btf =
            Btf { bytes, strings: 0, types: vec![0], functions: HashMap::new(), typedefs: HashMap::new() };
        if btf.word(0)? & 0xffff != MAGIC {
            bail!("no BTF");
        }
        let header = btf.word(4)? as usize;
        btf.strings = header + btf.word(16)? as usize;
        let mut at = header + btf.word(8)? as usize;
        let end = at + btf.word(12)? as usize;
        while at < end {
            let (kind, entries, number) = (btf.kind(at)?, btf.entries(at)?, btf.types.len() as u32);
            match kind {
                FUNC => drop(btf.functions.insert(btf.name(at)?, number)),
                TYPEDEF => drop(btf.typedefs.insert(btf.name(at)?, number)),
                _ => {}
            }
            btf.types.push(at);
            at += TYPE_BYTES
                + match kind {
                    INT | VAR | DECL_TAG => 4,
                    ARRAY => 12,
                    STRUCT | UNION | DATASEC | ENUM64 => 12 * entries,
                    ENUM | FUNC_PROTO => 8 * entries,
                    PTR | FWD | TYPEDEF | VOLATILE | CONST | RESTRICT | FUNC | FLOAT | TYPE_TAG => 0,
                    other => bail!("BTF kind {other} is not known here"),
                };
        }
        Ok(btf)
    }

    /// A function's prototype; nothing where the kernel has no such function.
    pub fn function(&self, name: &str) -> Result<Option<Prototype>> {
        let Some(number) = self.functions.get(name) else { return Ok(None) };
        self.prototype(self.target(*number)?).map(Some)
    }

    /// The prototype that a tracepoint's programs get: that of its `btf_trace_NAME` without the leading
    /// private pointer.
    pub fn tracepoint(&self, name: &str) -> Result<Option<Prototype>> {
        let Some(number) = self.typedefs.get(&format!("btf_trace_{name}")) else { return Ok(None) };
        let mut prototype = self.prototype(self.target(self.target(*number)?)?)?;
        if prototype.arguments.is_empty() {
            bail!("tracepoint {name} takes nothing");
        }
        prototype.arguments.remove(0);
        Ok(Some(prototype))
    }

    fn prototype(&self, number: u32) -> Result<Prototype> {
        let at = self.at(number)?;
        if self.kind(at)? != FUNC_PROTO {
            bail!("type {number} is no prototype");
        }
        let arguments =
            (0..self.entries(at)?).map(|index| self.spell(self.word(at + TYPE_BYTES + 8 * index + 4)?, 0));
        Ok(Prototype {
            result: self.spell(self.word(at + 8)?, 0)?,
            arguments: arguments.collect::<Result<_>>()?,
        })
    }

    /// A type as C spells it, as far as arguments need it.
    fn spell(&self, number: u32, depth: u32) -> Result<String> {
        if number == 0 {
            return Ok("void".to_owned());
        }
        if depth > NESTING {
            bail!("type {number} is nested too deep");
        }
        let at = self.at(number)?;
        let inner = || self.spell(self.word(at + 8)?, depth + 1);
        Ok(match self.kind(at)? {
            INT | FLOAT | TYPEDEF => self.name(at)?,
            // Of a forward declaration the kind flag says which of the two it is.
            FWD if self.word(at + 4)? >> 31 == 1 => format!("union {}", self.name(at)?),
            STRUCT | FWD => format!("struct {}", self.name(at)?),
            UNION => format!("union {}", self.name(at)?),
            ENUM | ENUM64 => format!("enum {}", self.name(at)?),
            PTR => match inner()? {
                pointer if pointer.ends_with('*') => format!("{pointer}*"),
                other => format!("{other} *"),
            },
            // What is const is a pointer's target or the pointer itself.
            CONST => match inner()? {
                pointer if pointer.ends_with('*') => format!("{pointer} const"),
                other => format!("const {other}"),
            },
            VOLATILE | RESTRICT | TYPE_TAG => inner()?,
            FUNC_PROTO => "function".to_owned(),
            other => bail!("a type of kind {other} is no argument's"),
        })
    }

    fn at(&self, number: u32) -> Result<usize> {
        self.types.get(number as usize).copied().filter(|at| *at > 0).context("BTF names a type it lacks")
    }

    /// The type that a type refers to.
    fn target(&self, number: u32) -> Result<u32> {
        self.word(self.at(number)? + 8)
    }

    fn word(&self, at: usize) -> Result<u32> {
        let four = self.bytes.get(at..at + 4).context("BTF is cut off")?;
        Ok(u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
    }

    fn kind(&self, at: usize) -> Result<u32> {
        Ok(self.word(at + 4)? >> 24 & 0x1f)
    }

    fn entries(&self, at: usize) -> Result<usize> {
        Ok((self.word(at + 4)? & 0xffff) as usize)
    }

    fn name(&self, at: usize) -> Result<String> {
        let rest = self.bytes.get(self.strings + self.word(at)? as usize..).context("BTF is cut off")?;
        let end = rest.iter().position(|byte| *byte == 0).context("BTF is cut off")?;
        Ok(String::from_utf8_lossy(&rest[..end]).into_owned())
    }
}
