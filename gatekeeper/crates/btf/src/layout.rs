//! Offsets of fields.

use crate::section::Kind;
use crate::{Btf, BtfError, MAX_NESTING};

/// Bytes of `struct btf_member`: name, type, offset.
const MEMBER_BYTES: usize = 12;

impl Btf {
    /// Returns the byte offset of a field. A newer kernel may have given its name a leading `__` (`dentry.d_name`,
    /// include/linux/dcache.h, Linux 6.17).
    ///
    /// # Errors
    /// Where the kernel has no such field, or it does not begin on a byte.
    pub fn offset(&self, structure: &'static str, field: &'static str) -> Result<u32, BtfError> {
        let missing = BtfError::NoField(structure, field);
        let Some(id) = self.aggregates.get(structure) else { return Err(missing) };
        let found = match self.member(*id, field, 0)? {
            Some(offset) => Some(offset),
            None => self.member(*id, &format!("__{field}"), 0)?,
        };
        match found {
            Some(bits) if bits % 8 == 0 => Ok(bits / 8),
            _ => Err(missing),
        }
    }

    /// The bit offset of a member. Anonymous structures and unions are searched, too: fields move into them from one
    /// kernel to the next (`file.f_path`, include/linux/fs.h, Linux 6.18).
    fn member(&self, id: u32, name: &str, depth: u32) -> Result<Option<u32>, BtfError> {
        let Some(deeper) = depth.checked_add(1).filter(|deeper| *deeper <= MAX_NESTING) else {
            return Ok(None);
        };
        // With the kind flag, the top byte of an offset is the width of a bit field.
        let mask = if self.section.flag(id)? { 0x00ff_ffff } else { u32::MAX };
        for index in 0..self.section.entries(id)? {
            let word = |word| self.section.entry(id, index, MEMBER_BYTES, word);
            let found = self.section.string(word(0)?)?;
            let offset = word(2)? & mask;
            if found == name {
                return Ok(Some(offset));
            }
            if found.is_empty()
                && let Some(inner) = self.aggregate(word(1)?)?
                && let Some(within) = self.member(inner, name, deeper)?
            {
                let sum = offset.checked_add(within);
                return sum.map(Some).ok_or(BtfError::Malformed("an offset is too large"));
            }
        }
        Ok(None)
    }

    /// The structure or union behind qualifiers and type names; none behind which is another type.
    fn aggregate(&self, mut id: u32) -> Result<Option<u32>, BtfError> {
        for _ in 0..MAX_NESTING {
            if id == 0 {
                break;
            }
            match self.section.kind(id)? {
                Kind::Struct | Kind::Union => return Ok(Some(id)),
                Kind::Typedef | Kind::Volatile | Kind::Const => id = self.section.target(id)?,
                _ => break,
            }
        }
        Ok(None)
    }
}
