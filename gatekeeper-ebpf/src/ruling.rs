//! A request and its ruling: the operations asked of one object, and what the layers decide of them.

use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cause, Cell, RULE_DEFAULT, Verdict};

/// The decision of all layers. Plain numbers, as it lives in the scratch buffer.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Ruling {
    /// Generation of the policy of the layer that gave it.
    pub generation: u64,
    /// The strictest cell, its default filled in.
    pub cell: Cell,
    /// Index of the layer that gave it.
    pub layer: u32,
    /// Serial of that layer.
    pub serial: u32,
    /// The operation that decided, of those asked for; an [`Operation`].
    pub operation: u32,
    /// Why it is denied, where not by a rule; a [`Cause`].
    pub cause: u32,
    /// Explicit padding.
    pub pad: u32,
}

impl Ruling {
    /// A denial that no rule gave.
    #[inline(always)]
    pub const fn denied(operation: u8, cause: u32) -> Self {
        let cell = Cell::new(Verdict::Deny, RULE_DEFAULT);
        Self { generation: 0, cell, layer: 0, serial: 0, operation: operation as u32, cause, pad: 0 }
    }

    /// An approval that no rule contradicts.
    #[inline(always)]
    pub const fn allowed(operation: u8) -> Self {
        let cell = Cell::new(Verdict::Allow, RULE_DEFAULT);
        Self { cell, ..Self::denied(operation, Cause::Policy as u32) }
    }

    /// The same ruling, refused because it can't be recorded.
    #[inline(always)]
    pub const fn unrecorded(self) -> Self {
        Self { cell: self.cell.denying(), cause: Cause::Unrecorded as u32, ..self }
    }

    /// Whether it lets the operation pass.
    #[inline(always)]
    pub const fn passes(&self) -> bool {
        self.cell.code() == Verdict::Allow as u8 || self.cell.code() == Verdict::Audit as u8
    }
}

/// The operations asked of one object at once: two at most, or the same twice.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Request {
    /// The operation that a denial without a rule names.
    pub first: u8,
    /// The other operation.
    pub second: u8,
    /// The consequence of an asking rule; one of [`on_ask`].
    pub on_ask: u8,
}

/// Consequences of an asking rule.
pub mod on_ask {
    /// The operation waits for a decision.
    pub const HOLD: u8 = 0;
    /// The operation can't be stopped half-way, and is refused.
    pub const REFUSE: u8 = 1;
    /// An earlier hook of the same system call asked already: the operation passes.
    pub const PASS: u8 = 2;
}

impl Request {
    /// A request for two operations.
    #[inline(always)]
    pub const fn both(first: Operation, second: Operation) -> Self {
        Self { first: first as u8, second: second as u8, on_ask: on_ask::HOLD }
    }

    /// A request for one operation.
    #[inline(always)]
    pub const fn one(operation: Operation) -> Self {
        Self::both(operation, operation)
    }

    /// The same request, refused instead of held unless `can_wait`.
    #[inline(always)]
    pub const fn held_if(self, can_wait: bool) -> Self {
        if can_wait { self } else { Self { on_ask: on_ask::REFUSE, ..self } }
    }

    /// The same request, passed instead of held where `asked` says that an earlier hook asked.
    #[inline(always)]
    pub const fn asked_if(self, asked: bool) -> Self {
        if asked { Self { on_ask: on_ask::PASS, ..self } } else { self }
    }

    /// Whether its first operation is this one.
    #[inline(always)]
    pub const fn is(self, operation: Operation) -> bool {
        self.first == operation as u8
    }

    /// The operations as bits, for the event.
    #[inline(always)]
    pub const fn bits(self) -> u32 {
        1 << (self.first & 31) | 1 << (self.second & 31)
    }
}
