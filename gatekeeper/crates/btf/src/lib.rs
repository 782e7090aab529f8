//! A reader of the kernel's description of its own types (BTF): fields, functions and prototypes.
//!
//! The format is in Documentation/bpf/btf.rst and include/uapi/linux/btf.h of Linux 7.3. Every number of a section is
//! untrusted: sums are checked, and nothing is read outside the section.

#![warn(clippy::pedantic)]
#![allow(clippy::doc_markdown, reason = "files of the kernel's source stand in the text as they are")]
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::indexing_slicing))]

mod error;
mod layout;
mod prototype;
mod section;

use std::collections::HashMap;
use std::path::Path;

pub use error::BtfError;
pub use prototype::Prototype;

use section::{Kind, Section};

/// The deepest nesting of types that is followed; the kernel's types stay far below it.
const MAX_NESTING: u32 = 16;

/// A parsed BTF section with the names that are looked up.
#[derive(Debug)]
pub struct Btf {
    section: Section,
    /// Ids of structures and unions, by name.
    aggregates: HashMap<String, u32>,
    functions: HashMap<String, u32>,
    typedefs: HashMap<String, u32>,
}

impl Btf {
    /// Reads the BTF of the running kernel.
    ///
    /// # Errors
    /// Where the kernel has none, or it is malformed.
    pub fn of_kernel() -> Result<Self, BtfError> {
        Self::from_file(Path::new("/sys/kernel/btf/vmlinux"))
    }

    /// Reads BTF from a file.
    ///
    /// # Errors
    /// Where the file can't be read, or is malformed.
    pub fn from_file(path: &Path) -> Result<Self, BtfError> {
        let bytes = std::fs::read(path).map_err(|source| BtfError::Read { path: path.to_owned(), source })?;
        Self::parse(bytes)
    }

    /// Parses a BTF section.
    ///
    /// # Errors
    /// Where it is malformed, or holds a kind of type that is newer than this reader.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, BtfError> {
        let section = Section::parse(bytes)?;
        let (mut aggregates, mut functions, mut typedefs) = (HashMap::new(), HashMap::new(), HashMap::new());
        for id in section.ids() {
            let names = match section.kind(id)? {
                Kind::Struct | Kind::Union => &mut aggregates,
                Kind::Func => &mut functions,
                Kind::Typedef => &mut typedefs,
                _ => continue,
            };
            let name = section.name(id)?;
            if !name.is_empty() {
                names.entry(name).or_insert(id);
            }
        }
        Ok(Self { section, aggregates, functions, typedefs })
    }

    /// Returns the BTF id of a function; none where the kernel has no function of this name.
    #[must_use]
    pub fn function_id(&self, name: &str) -> Option<u32> {
        self.functions.get(name).copied()
    }

    /// Returns whether the kernel has a function of this name.
    #[must_use]
    pub fn has_function(&self, name: &str) -> bool {
        self.functions.contains_key(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::section::testing::{Image, MEMBER_BITFIELDS};

    /// `struct outer { int first; union { struct { int a; int b; }; } ; int bit : 3 }`, a function that returns a
    /// pointer to it, and a tracepoint's type.
    fn image() -> Vec<u8> {
        let mut image = Image::default();
        let int = image.add("int", Kind::Int, 0, 4, &[32]);
        let (a, b) = (image.string("a"), image.string("__b"));
        let inner = image.add("", Kind::Struct, 2, 8, &[a, int, 0, b, int, 32]);
        let union = image.add("", Kind::Union, 1, 8, &[0, inner, 0]);
        let (first, bit) = (image.string("first"), image.string("bit"));
        let members = [first, int, 0, 0, union, 64, bit, int, 3 << 24 | 0x81];
        let outer = image.add("outer", Kind::Struct, MEMBER_BITFIELDS | 3, 24, &members);
        let pointer = image.add("", Kind::Ptr, 0, outer, &[]);
        let constant = image.add("", Kind::Const, 0, pointer, &[]);
        let own = image.add("", Kind::Ptr, 0, 0, &[]);
        let prototype = image.add("", Kind::FuncProto, 2, int, &[0, own, 0, constant]);
        image.add("work", Kind::Func, 0, prototype, &[]);
        let to_prototype = image.add("", Kind::Ptr, 0, prototype, &[]);
        image.add("btf_trace_work", Kind::Typedef, 0, to_prototype, &[]);
        image.bytes()
    }

    #[test]
    fn fields_are_found_in_anonymous_members_and_under_their_new_names() {
        let btf = Btf::parse(image()).unwrap();
        assert_eq!(btf.offset("outer", "first").unwrap(), 0);
        assert_eq!(btf.offset("outer", "a").unwrap(), 8);
        assert_eq!(btf.offset("outer", "b").unwrap(), 12);
        for missing in ["bit", "c"] {
            assert!(matches!(btf.offset("outer", missing), Err(BtfError::NoField("outer", _))));
        }
        assert!(matches!(btf.offset("other", "first"), Err(BtfError::NoField(..))));
    }

    #[test]
    fn prototypes_are_spelt_as_in_c() {
        let btf = Btf::parse(image()).unwrap();
        assert_eq!(btf.parameters("work"), Some(2));
        assert!(btf.has_function("work") && !btf.has_function("play"));
        assert_eq!(btf.function_id("work"), Some(9));
        let prototype = btf.prototype("work").unwrap().unwrap();
        assert_eq!(prototype.result, "int");
        assert_eq!(prototype.arguments, ["void *", "struct outer * const"]);
        assert_eq!(btf.tracepoint("work").unwrap().unwrap().arguments, ["struct outer * const"]);
        assert_eq!(btf.prototype("play").unwrap(), None);
    }

    #[test]
    fn a_section_cut_anywhere_is_refused_or_read_and_never_panics() {
        let whole = image();
        for length in 0..whole.len() {
            let Ok(btf) = Btf::parse(whole[..length].to_vec()) else { continue };
            let _ = btf.offset("outer", "b");
            let _ = btf.prototype("work");
        }
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] = 0xff;
            let Ok(btf) = Btf::parse(bytes) else { continue };
            let _ = btf.offset("outer", "b");
            let _ = btf.tracepoint("work");
        }
        assert!(matches!(Btf::parse(vec![]), Err(BtfError::Malformed(_))));
        assert!(matches!(Btf::parse(vec![0; 64]), Err(BtfError::Malformed(_))));
    }

    #[test]
    fn a_newer_kind_is_refused_by_its_number() {
        let mut image = Image::default();
        image.add_raw("new", 30, 0, 0, &[]);
        assert!(matches!(Btf::parse(image.bytes()), Err(BtfError::UnknownKind(30))));
    }
}
