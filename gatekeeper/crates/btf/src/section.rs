//! A BTF section: its types by their ids, and its strings.

use crate::BtfError;

/// (include/uapi/linux/btf.h `BTF_MAGIC`)
const MAGIC: u32 = 0xeb9f;
/// Bytes of `struct btf_type`.
const TYPE_BYTES: usize = 12;

/// The kind of a type (include/uapi/linux/btf.h, Linux 7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Kind {
    Int = 1,
    Ptr,
    Array,
    Struct,
    Union,
    Enum,
    Fwd,
    Typedef,
    Volatile,
    Const,
    Restrict,
    Func,
    FuncProto,
    Var,
    Datasec,
    Float,
    DeclTag,
    TypeTag,
    Enum64,
}

impl Kind {
    const ALL: [Self; 19] = [
        Self::Int,
        Self::Ptr,
        Self::Array,
        Self::Struct,
        Self::Union,
        Self::Enum,
        Self::Fwd,
        Self::Typedef,
        Self::Volatile,
        Self::Const,
        Self::Restrict,
        Self::Func,
        Self::FuncProto,
        Self::Var,
        Self::Datasec,
        Self::Float,
        Self::DeclTag,
        Self::TypeTag,
        Self::Enum64,
    ];

    fn from_number(number: u32) -> Result<Self, BtfError> {
        Self::ALL.into_iter().find(|kind| *kind as u32 == number).ok_or(BtfError::UnknownKind(number))
    }

    /// Bytes behind a type of this kind: a fixed number, and for each of its entries.
    fn tail(self) -> (usize, usize) {
        match self {
            Self::Int | Self::Var | Self::DeclTag => (4, 0),
            Self::Array => (12, 0),
            Self::Struct | Self::Union | Self::Datasec | Self::Enum64 => (0, 12),
            Self::Enum | Self::FuncProto => (0, 8),
            Self::Ptr
            | Self::Fwd
            | Self::Typedef
            | Self::Volatile
            | Self::Const
            | Self::Restrict
            | Self::Func
            | Self::Float
            | Self::TypeTag => (0, 0),
        }
    }
}

/// A section with the position of every type.
#[derive(Debug)]
pub(crate) struct Section {
    bytes: Vec<u8>,
    strings: usize,
    /// Byte positions of the types by id; id 0 is void and has none.
    types: Vec<usize>,
}

const CUT_OFF: BtfError = BtfError::Malformed("cut off");

/// Adds byte positions; none of a kernel's comes near the limit.
pub(crate) fn sum(parts: &[usize]) -> Result<usize, BtfError> {
    parts.iter().try_fold(0_usize, |sum, part| sum.checked_add(*part)).ok_or(CUT_OFF)
}

fn product(one: usize, other: usize) -> Result<usize, BtfError> {
    one.checked_mul(other).ok_or(CUT_OFF)
}

impl Section {
    pub(crate) fn parse(bytes: Vec<u8>) -> Result<Self, BtfError> {
        let mut section = Self { bytes, strings: 0, types: vec![0] };
        if section.word(0)? & 0xffff != MAGIC {
            return Err(BtfError::Malformed("no magic number"));
        }
        let header = section.word(4)? as usize;
        section.strings = sum(&[header, section.word(16)? as usize])?;
        let mut at = sum(&[header, section.word(8)? as usize])?;
        let end = sum(&[at, section.word(12)? as usize])?;
        while at < end {
            let kind = section.kind_at(at)?;
            let (fixed, each) = kind.tail();
            section.types.push(at);
            at = sum(&[at, TYPE_BYTES, fixed, product(each, section.entries_at(at)?)?])?;
        }
        Ok(section)
    }

    /// The id of every type but void.
    pub(crate) fn ids(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.types).skip(1).map(|(id, _)| id)
    }

    /// The little-endian word at a byte position.
    fn word(&self, at: usize) -> Result<u32, BtfError> {
        let rest = self.bytes.get(at..).ok_or(CUT_OFF)?;
        rest.first_chunk().map(|four| u32::from_le_bytes(*four)).ok_or(CUT_OFF)
    }

    fn position(&self, id: u32) -> Result<usize, BtfError> {
        let found = self.types.get(id as usize).copied().filter(|_| id != 0);
        found.ok_or(BtfError::Malformed("a type it lacks is named"))
    }

    fn kind_at(&self, at: usize) -> Result<Kind, BtfError> {
        Kind::from_number(self.word(sum(&[at, 4])?)? >> 24 & 0x1f)
    }

    fn entries_at(&self, at: usize) -> Result<usize, BtfError> {
        Ok((self.word(sum(&[at, 4])?)? & 0xffff) as usize)
    }

    pub(crate) fn kind(&self, id: u32) -> Result<Kind, BtfError> {
        self.kind_at(self.position(id)?)
    }

    /// The number of members, parameters or values of a type.
    pub(crate) fn entries(&self, id: u32) -> Result<usize, BtfError> {
        self.entries_at(self.position(id)?)
    }

    /// The kind flag: of a structure that its members may be bit fields, of a forward declaration that it is a union's.
    pub(crate) fn flag(&self, id: u32) -> Result<bool, BtfError> {
        Ok(self.word(sum(&[self.position(id)?, 4])?)? >> 31 == 1)
    }

    /// The type that a type refers to.
    pub(crate) fn target(&self, id: u32) -> Result<u32, BtfError> {
        self.word(sum(&[self.position(id)?, 8])?)
    }

    /// A word of an entry of `size` bytes.
    pub(crate) fn entry(&self, id: u32, index: usize, size: usize, word: usize) -> Result<u32, BtfError> {
        let parts = [self.position(id)?, TYPE_BYTES, product(index, size)?, product(word, 4)?];
        self.word(sum(&parts)?)
    }

    pub(crate) fn name(&self, id: u32) -> Result<String, BtfError> {
        self.string(self.word(self.position(id)?)?)
    }

    /// The string at an offset of the strings.
    pub(crate) fn string(&self, offset: u32) -> Result<String, BtfError> {
        let start = sum(&[self.strings, offset as usize])?;
        let rest = self.bytes.get(start..).ok_or(CUT_OFF)?;
        let mut parts = rest.splitn(2, |byte| *byte == 0);
        match (parts.next(), parts.next()) {
            (Some(text), Some(_)) => Ok(String::from_utf8_lossy(text).into_owned()),
            _ => Err(CUT_OFF),
        }
    }
}

/// Sections made by hand.
#[cfg(test)]
pub(crate) mod testing {
    use super::{Kind, MAGIC};

    /// In the number of entries: members may be bit fields.
    pub(crate) const MEMBER_BITFIELDS: u32 = 1 << 31;

    #[derive(Default)]
    pub(crate) struct Image {
        types: Vec<u32>,
        strings: Vec<u8>,
        count: u32,
    }

    impl Image {
        pub(crate) fn string(&mut self, text: &str) -> u32 {
            if self.strings.is_empty() {
                self.strings.push(0);
            }
            if text.is_empty() {
                return 0;
            }
            let offset = u32::try_from(self.strings.len()).unwrap();
            self.strings.extend(text.bytes().chain([0]));
            offset
        }

        /// Adds a type and returns its id.
        pub(crate) fn add(&mut self, name: &str, kind: Kind, entries: u32, target: u32, tail: &[u32]) -> u32 {
            self.add_raw(name, kind as u32, entries, target, tail)
        }

        pub(crate) fn add_raw(
            &mut self,
            name: &str,
            kind: u32,
            entries: u32,
            target: u32,
            tail: &[u32],
        ) -> u32 {
            let name = self.string(name);
            self.types.extend([name, kind << 24 | entries, target]);
            self.types.extend(tail);
            self.count = self.count.checked_add(1).unwrap();
            self.count
        }

        pub(crate) fn bytes(self) -> Vec<u8> {
            let types = u32::try_from(self.types.len()).unwrap().checked_mul(4).unwrap();
            let strings = u32::try_from(self.strings.len()).unwrap();
            // Magic and version, the header's length, then offset and length of types and of strings.
            let header = [MAGIC | 1 << 16, 24, 0, types, types, strings];
            let words = header.iter().chain(&self.types).flat_map(|word| word.to_le_bytes());
            words.chain(self.strings.iter().copied()).collect()
        }
    }
}
