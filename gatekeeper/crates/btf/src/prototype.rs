//! Prototypes of functions, spelt as in C.

use crate::section::Kind;
use crate::{Btf, BtfError, MAX_NESTING};

/// Bytes of `struct btf_param`: name, type.
const PARAMETER_BYTES: usize = 8;

/// The types of a function, each spelt as in C.
#[derive(Debug, PartialEq, Eq, Clone)]
pub struct Prototype {
    /// The type it returns.
    pub result: String,
    /// The types of its arguments, in order.
    pub arguments: Vec<String>,
}

impl Btf {
    /// Returns a function's prototype; none where the kernel has no such function.
    ///
    /// # Errors
    /// Where its types are malformed.
    pub fn prototype(&self, name: &str) -> Result<Option<Prototype>, BtfError> {
        let Some(id) = self.function_id(name) else { return Ok(None) };
        self.spelt(self.section.target(id)?).map(Some)
    }

    /// Returns the prototype that programs at a tracepoint get: that of its `btf_trace_NAME` without the leading
    /// private pointer (include/trace/bpf_probe.h, Linux 7.3). None where the kernel has no such tracepoint.
    ///
    /// # Errors
    /// Where its types are malformed.
    pub fn tracepoint(&self, name: &str) -> Result<Option<Prototype>, BtfError> {
        let Some(id) = self.typedefs.get(&format!("btf_trace_{name}")) else { return Ok(None) };
        let pointer = self.section.target(*id)?;
        let Prototype { result, arguments } = self.spelt(self.section.target(pointer)?)?;
        if arguments.is_empty() {
            return Err(BtfError::Malformed("a tracepoint takes nothing"));
        }
        Ok(Some(Prototype { result, arguments: arguments.into_iter().skip(1).collect() }))
    }

    /// Returns the number of a function's parameters; none where the kernel has no such function.
    #[must_use]
    pub fn parameters(&self, name: &str) -> Option<usize> {
        let prototype = self.section.target(self.function_id(name)?).ok()?;
        self.section.entries(prototype).ok()
    }

    fn spelt(&self, id: u32) -> Result<Prototype, BtfError> {
        if self.section.kind(id)? != Kind::FuncProto {
            return Err(BtfError::Malformed("a function without a prototype"));
        }
        let arguments = (0..self.section.entries(id)?)
            .map(|index| self.spell(self.section.entry(id, index, PARAMETER_BYTES, 1)?, 0));
        Ok(Prototype {
            result: self.spell(self.section.target(id)?, 0)?,
            arguments: arguments.collect::<Result<_, _>>()?,
        })
    }

    /// Spells a type as in C, as far as arguments need it.
    fn spell(&self, id: u32, depth: u32) -> Result<String, BtfError> {
        if id == 0 {
            return Ok("void".to_owned());
        }
        let deeper = depth.checked_add(1).filter(|deeper| *deeper <= MAX_NESTING);
        let deeper = deeper.ok_or(BtfError::Malformed("types are nested too deep"))?;
        let name = || self.section.name(id);
        let inner = || self.spell(self.section.target(id)?, deeper);
        Ok(match self.section.kind(id)? {
            Kind::Int | Kind::Float | Kind::Typedef => name()?,
            Kind::Fwd if self.section.flag(id)? => format!("union {}", name()?),
            Kind::Struct | Kind::Fwd => format!("struct {}", name()?),
            Kind::Union => format!("union {}", name()?),
            Kind::Enum | Kind::Enum64 => format!("enum {}", name()?),
            Kind::Ptr => match inner()? {
                pointer if pointer.ends_with('*') => format!("{pointer}*"),
                other => format!("{other} *"),
            },
            // Const is a pointer's target or the pointer itself.
            Kind::Const => match inner()? {
                pointer if pointer.ends_with('*') => format!("{pointer} const"),
                other => format!("const {other}"),
            },
            Kind::Volatile | Kind::Restrict | Kind::TypeTag => inner()?,
            Kind::FuncProto => "function".to_owned(),
            Kind::Array | Kind::Func | Kind::Var | Kind::Datasec | Kind::DeclTag => {
                return Err(BtfError::Malformed("a type that is no argument's"));
            }
        })
    }
}
