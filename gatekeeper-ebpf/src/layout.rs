//! The structures of map values and of the scratch buffer. They refer to each other, so they live on one
//! floor below every module that works with them.

use core::ptr::{copy_nonoverlapping, read_volatile, write_volatile};

use gatekeeper_common::automaton::DEAD;
use gatekeeper_common::event::Address;
use gatekeeper_common::hold::{Hold, TableKey};
use gatekeeper_common::image::{ARGUMENTS, ENVIRONMENT, Row};
use gatekeeper_common::label::Label;
use gatekeeper_common::limits::{HOLDS_PER_THREAD, LAYERS, NAME_BYTES, PATH_BYTES, SEQUENCES_SPAN};
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Cell;

use crate::bounds::pick;
use crate::ruling::{Request, Ruling};

/// Count of a label on which more layers came together than fit: everything is denied.
pub const TOO_MANY_LAYERS: u32 = LAYERS as u32 + 1;

/// Bit in a label's count, set while arguments are to be judged: more layers than a task can have.
pub const UNRESOLVED: u32 = 1 << 8;

/// The owner of an object: the layers of the task that made it.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Owner {
    /// Serials of the layers, outermost first.
    pub serials: [u32; LAYERS],
}

impl Owner {
    /// The owner that a labelled task is.
    #[inline(always)]
    pub fn of(label: &Label) -> Self {
        Self { serials: label.layers.map(|layer| layer.serial) }
    }

    /// Whether it is the labelled task's own session or one nested in it.
    #[inline(always)]
    pub fn is_within(&self, label: &Label) -> bool {
        let last = label.count.wrapping_sub(1);
        if last >= LAYERS as u32 {
            return false;
        }
        *pick(&self.serials, last) == pick(&label.layers, last).serial
    }
}

/// Column of a row with the cell for starting a program.
pub const EXEC_COLUMN: usize = Operation::Exec as usize;
/// Column of a row with the cell for changing who runs a program.
pub const SETUID_COLUMN: usize = Operation::Setuid as usize;

/// The condition that one layer puts on arguments and environment.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Condition {
    /// State in which the walk over the arguments begins, for each of the two rows of the program.
    pub arguments: [u32; 2],
    /// State in which the walk over each variable's name begins, for each of the two rows.
    pub environment: [u32; 2],
    /// The cell for starting the program, by the rules without such a condition.
    pub exec: Cell,
    /// The cell for its changing who runs it, by the same rules.
    pub setuid: Cell,
}

impl Condition {
    /// The condition in a program's two rows.
    #[inline(always)]
    pub fn of(rows: (&Row, &Row)) -> Self {
        Self {
            arguments: [rows.0[ARGUMENTS].0, rows.1[ARGUMENTS].0],
            environment: [rows.0[ENVIRONMENT].0, rows.1[ENVIRONMENT].0],
            exec: rows.0[EXEC_COLUMN].strictest(rows.1[EXEC_COLUMN]),
            setuid: rows.0[SETUID_COLUMN].strictest(rows.1[SETUID_COLUMN]),
        }
    }

    /// Whether a rule needs the arguments.
    #[inline(always)]
    pub fn needs_arguments(&self) -> bool {
        self.arguments[0] | self.arguments[1] != DEAD
    }

    /// Whether a rule needs the names of the environment.
    #[inline(always)]
    pub fn needs_environment(&self) -> bool {
        self.environment[0] | self.environment[1] != DEAD
    }

    /// Whether a rule needs either.
    #[inline(always)]
    pub fn needs_any(&self) -> bool {
        self.needs_arguments() || self.needs_environment()
    }
}

/// One layer's condition on one program of an exec; a script and its interpreter are two.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ExecCondition {
    /// Index of the layer.
    pub layer: u32,
    /// Number of this program's own arguments among the final ones.
    pub arguments: u32,
    /// The condition.
    pub condition: Condition,
}

/// The conditions that a task's exec has still to meet.
#[repr(C)]
pub struct PendingExec {
    /// Number of conditions.
    pub count: u32,
    /// 1 where the exec changes who runs it.
    pub setuid: u32,
    /// The conditions, as they were found.
    pub conditions: [ExecCondition; LAYERS],
}

/// The check of one program's arguments: where they lie, the condition, and the walk's state.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ArgumentCheck {
    /// Address of the arguments in the program's memory.
    pub from: u64,
    /// Bytes of the arguments.
    pub bytes: u64,
    /// Bytes of them that are looked at.
    pub seen: u64,
    /// Address of the environment.
    pub environment_from: u64,
    /// Bytes of the environment.
    pub environment_bytes: u64,
    /// Strings before the program's own name: an interpreter's name and its own arguments.
    pub skip: u32,
    /// 1 where the exec changes who runs it.
    pub setuid: u32,
    /// The condition to be met.
    pub condition: Condition,
    /// The strictest cell met for starting the program.
    pub exec: Cell,
    /// The strictest cell met for changing who runs it.
    pub owner: Cell,
    /// Strings that the walk has still to skip.
    pub left: u32,
    /// 1 while the walk is inside a variable's name.
    pub in_name: u32,
    /// 1 where memory could not be read.
    pub fault: u32,
    /// 1 where the arguments stand in the buffer, and not in the program's memory.
    pub early: u32,
}

/// Bytes between the two sequence counters, at most (128 on every kernel seen): one read gets both. The
/// loader switches the cache off on a kernel with more.
pub const SPAN_LIMIT: usize = SEQUENCES_SPAN as usize;

/// The identity of a directory and of the place where it lies.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct DirectoryKey {
    /// `struct dentry` of the directory.
    pub directory: u64,
    /// `struct vfsmount` it lies on.
    pub mount: u64,
    /// The top mount of the task's namespace.
    pub top: u64,
    /// Inode number.
    pub inode: u64,
    /// Values of both sequence counters.
    pub changes: u64,
    /// Number of directories made by labelled tasks.
    pub made: u64,
    /// Generation of the inode.
    pub generation: u32,
    /// The use that the key can be put to; one of [`key_use`].
    pub usable: u32,
    /// Memory of the kernel with both sequence counters.
    pub sequences: [u32; SPAN_LIMIT / 4 + 1],
}

/// Uses of a [`DirectoryKey`].
pub mod key_use {
    /// The directory can be confused with another.
    pub const NONE: u32 = 0;
    /// An entry can be looked up.
    pub const LOOKUP: u32 = 1;
    /// An entry can be looked up and stored.
    pub const STORE: u32 = 2;
}

/// A directory in the cache, under one image.
#[repr(C)]
pub struct DirectoryEntry {
    /// 1 while a hook reads or writes the entry.
    pub busy: u64,
    /// As [`DirectoryKey::directory`].
    pub directory: u64,
    /// As [`DirectoryKey::mount`].
    pub mount: u64,
    /// As [`DirectoryKey::top`].
    pub top: u64,
    /// As [`DirectoryKey::inode`].
    pub inode: u64,
    /// As [`DirectoryKey::changes`].
    pub changes: u64,
    /// As [`DirectoryKey::made`].
    pub made: u64,
    /// [`gatekeeper_common::image::Header::image`]; never 0 in an entry that is in use.
    pub image: u64,
    /// As [`DirectoryKey::generation`].
    pub generation: u64,
    /// State of the anchored automaton after the directory's path.
    pub anchored: u32,
    /// State of the floating automaton after the directory's path.
    pub floating: u32,
}

/// One hold of a thread.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct HoldSlot {
    /// Number of the hold; 0 where there is none.
    pub id: u64,
    /// Its place in the table of holds.
    pub place: TableKey,
    /// Progress of the hold; one of [`step`].
    pub step: u32,
    /// The operation asked for; an [`Operation`].
    pub operation: u32,
}

/// Steps of a hold.
pub mod step {
    /// Not decided when the task was last here.
    pub const WAITING: u32 = 0;
    /// Approved, and the call that it was for has not got through.
    pub const APPROVED: u32 = 1;
    /// Approved, and the hook has let its operation pass.
    pub const USED: u32 = 2;
}

/// The holds of one thread.
#[repr(C)]
pub struct ThreadHolds {
    /// The holds.
    pub slots: [HoldSlot; HOLDS_PER_THREAD],
    /// The slot that is given up next.
    pub turn: u32,
    /// 1 where an exec was held and is to start again.
    pub exec: u32,
}

/// Bytes of the path's buffer: room for a path built from its end, and behind it for one name more, so that
/// the verifier sees every copy of a name end inside.
pub const PATH_ROOM: usize = PATH_BYTES + NAME_BYTES + 1;

/// The automata that walk the bytes in the buffer.
pub mod automata {
    /// The two automata for paths.
    pub const PATH: u32 = 0;
    /// The automaton for names of UNIX sockets.
    pub const UNIX: u32 = 1;
    /// The automaton for a signal and its target's program.
    pub const SIGNAL: u32 = 2;
    /// The two automata for paths, where rules alone decide and no default.
    pub const PATH_RULES_ONLY: u32 = 3;
}

/// One scratch buffer.
#[repr(C)]
pub struct Scratch {
    /// 1 while a hook owns the buffer.
    pub busy: u64,
    /// First byte of the path in `path`; it ends at `PATH_BYTES`.
    pub at: u32,
    /// Number of this buffer among the CPU's.
    pub number: u32,
    /// Result of a climb; see [`crate::path`].
    pub end: u32,
    /// Components of the path.
    pub depth: u32,
    /// `struct dentry` that a climb has reached above the file's own mount.
    pub entry: u64,
    /// Root of the mount that the entry lies on.
    pub root: u64,
    /// That `struct mount`.
    pub mount: u64,
    /// First byte of the last name in `path`.
    pub name_at: u32,
    /// 1 where only the last name is to be judged, in a directory that the layers know.
    pub name_only: u32,
    /// See [`Scratch::forget`].
    forgotten: u32,
    /// The automata that walk `path`; one of [`automata`].
    pub automata: u32,
    /// 1 where the mapped file is the program that the task runs.
    pub maps_itself: u32,
    /// Index of the layer under evaluation.
    pub layer: u32,
    /// 1 where the last event found no room.
    pub unsent: u32,
    /// The conditions of an exec, by layer.
    pub conditions: [Condition; LAYERS],
    /// The arguments under check.
    pub check: ArgumentCheck,
    /// Generation of the policy that answered last.
    pub generation: u64,
    ruling: Ruling,
    aside: Ruling,
    /// The key of the directory that the place lies in.
    pub key: DirectoryKey,
    request: Request,
    pad: u8,
    /// The address to be judged.
    pub address: Address,
    /// Number of layers that ask.
    pub asking: u32,
    /// Number of arguments that the exec under way was given.
    pub strings: u32,
    /// Time of the last change of the program that is to start; without meaning for other operations.
    pub changed: u64,
    /// The event under construction: header, object once it is sent, and the rest that a person is shown.
    pub hold: Hold,
    /// The path, from `at` to `PATH_BYTES`.
    pub path: [u8; PATH_ROOM],
}

impl Scratch {
    /// Returns the same number, of which the verifier knows nothing any more. It then goes through the
    /// following code once, and not once for each value the number could have.
    #[inline(always)]
    pub fn forget(&mut self, number: u32) -> u32 {
        // SAFETY: a field of a live value. Volatile, or the compiler would know better.
        unsafe {
            write_volatile(&raw mut self.forgotten, number);
            read_volatile(&raw const self.forgotten)
        }
    }

    /// The request; forgotten like a number.
    #[inline(always)]
    pub fn request(&self) -> Request {
        // SAFETY: as above.
        unsafe { read_volatile(&raw const self.request) }
    }

    /// Sets the request.
    #[inline(always)]
    pub fn set_request(&mut self, request: Request) {
        // SAFETY: as above.
        unsafe { write_volatile(&raw mut self.request, request) };
    }

    /// The ruling so far; forgotten like a number.
    #[inline(always)]
    pub fn ruling(&self) -> Ruling {
        // SAFETY: as above.
        unsafe { read_volatile(&raw const self.ruling) }
    }

    /// Sets the ruling.
    #[inline(always)]
    pub fn set_ruling(&mut self, ruling: Ruling) {
        // SAFETY: as above.
        unsafe { write_volatile(&raw mut self.ruling, ruling) };
    }

    /// Sets the ruling aside. In memory alone: the stack has no room.
    #[inline(always)]
    pub fn set_aside(&mut self) {
        // SAFETY: both are fields of a live value.
        unsafe { copy_nonoverlapping(&raw const self.ruling, &raw mut self.aside, 1) };
    }

    /// Restores the ruling that was set aside.
    #[inline(always)]
    pub fn restore(&mut self) {
        // SAFETY: as above.
        unsafe { copy_nonoverlapping(&raw const self.aside, &raw mut self.ruling, 1) };
    }

    /// Strictness of the ruling that was set aside.
    #[inline(always)]
    pub fn aside_code(&self) -> u8 {
        self.aside.cell.code()
    }
}
