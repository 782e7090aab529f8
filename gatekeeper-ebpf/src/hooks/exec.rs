//! Programs: starting one, a change of its owner, and its first moment.

use aya_ebpf::helpers::generated::bpf_send_signal;
use aya_ebpf::programs::{BtfTracePointContext, LsmContext};
use gatekeeper_common::counters::denied;
use gatekeeper_common::event::Object;
use gatekeeper_common::label::{REQUIRED, UNSENT};
use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::Cause;

use crate::arguments;
use crate::emit::{count, send};
use crate::hold::{self, ExecApproval};
use crate::judge;
use crate::kernel::file::identity;
use crate::kernel::{
    O_BPRM_ARGC, O_BPRM_CRED, O_BPRM_FILE, O_BPRM_FILENAME, O_BPRM_INTERP, O_CRED_EGID, O_CRED_EUID,
    O_CRED_PERMITTED, O_TASK_CRED, O_TASK_MM, Pointer, file, load, memory, task,
};
use crate::label;
use crate::layout::{TOO_MANY_LAYERS, UNRESOLVED};
use crate::outcome::{EPERM, PASS};
use crate::path::resolve;
use crate::ruling::{Request, Ruling};
use crate::scratch::{give, take};

const SIGKILL: u32 = 9;
/// Bytes of one half of a set of capabilities.
const WORD_BYTES: usize = 4;

// proto: int bprm_check_security(struct linux_binprm *bprm)
/// Judges a program. Called for a script and again for its interpreter, with `bprm->file` changed (fs/exec.c
/// `exec_binprm`, Linux 6.12). The results are kept with the calling thread, which may not be the leader: it
/// becomes it (fs/exec.c `de_thread`), and another thread's exec meanwhile must not count.
#[inline(always)]
pub fn bprm_check_security(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let bprm: Pointer = context.arg(0);
    let this = task::current();
    let Some(label) = label::of_thread(this, label) else {
        count(denied(Cause::NoMemory));
        return EPERM;
    };
    let (interpreter, name): (u64, u64) = (load(bprm, &O_BPRM_INTERP), load(bprm, &O_BPRM_FILENAME));
    let strings: u32 = load(bprm, &O_BPRM_ARGC);
    if interpreter == name {
        label.strings = strings;
        arguments::begin(this);
        hold::begin_exec(this);
    }
    let program: Pointer = load(bprm, &O_BPRM_FILE);
    judge::program(label, file::of_file(program), this, strings.saturating_sub(1))
}

/// The change that a program makes to the rights of the task that starts it.
struct Change {
    /// It runs as another user or group.
    owner: bool,
    /// It gains a capability.
    gains: bool,
}

impl Change {
    #[inline(always)]
    fn of(bprm: Pointer, task: Pointer) -> Self {
        let new: Pointer = load(bprm, &O_BPRM_CRED);
        let old: Pointer = load(task, &O_TASK_CRED);
        let differs = |field: &'static u32| load::<u32>(new, field) != load::<u32>(old, field);
        let word = |cred: Pointer, index: usize| {
            load::<u32>(cred.wrapping_add(WORD_BYTES.wrapping_mul(index)), &O_CRED_PERMITTED)
        };
        let gains = word(new, 0) & !word(old, 0) | word(new, 1) & !word(old, 1);
        Self { owner: differs(&O_CRED_EUID) || differs(&O_CRED_EGID), gains: gains != 0 }
    }
}

// proto: int bprm_creds_from_file(struct linux_binprm *bprm, struct file *file)
// proto 6.12+: int bprm_creds_from_file(struct linux_binprm *bprm, const struct file *file)
/// Judges a program that runs with other rights: they are known here, and the exec can still fail (fs/exec.c
/// `begin_new_exec`, Linux 6.12).
#[inline(always)]
pub fn bprm_creds_from_file(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let bprm: Pointer = context.arg(0);
    let this = task::current();
    let Some(label) = label::of_thread(this, label) else {
        count(denied(Cause::NoMemory));
        return EPERM;
    };
    let change = Change::of(bprm, this);
    if change.owner || change.gains {
        let program: Pointer = context.arg(1);
        let result = judge::place(label, file::of_file(program), Request::one(Operation::Setuid));
        if result != PASS {
            return result;
        }
        arguments::set_owner_changes(this);
    }
    if arguments::is_pending(this) || hold::is_exec_pending(this) || label.exec & REQUIRED != 0 {
        label.count |= UNRESOLVED;
    }
    PASS
}

// proto: int security_bprm_creds_from_file(struct linux_binprm *bprm, struct file *file)
// proto 6.12+: int security_bprm_creds_from_file(struct linux_binprm *bprm, const struct file *file)
/// Judges a file's capabilities, where programs run at functions: [`bprm_creds_from_file`] comes before the
/// function that computes them (security/commoncap.c `cap_bprm_creds_from_file`, Linux 6.12), and nothing
/// after it can refuse.
#[inline(always)]
pub fn security_bprm_creds_from_file(bprm: Pointer, file: Pointer) {
    let Some(label) = label::current() else { return };
    let this = task::current();
    let change = Change::of(bprm, this);
    if change.owner || !change.gains {
        return;
    }
    let Some(label) = label::of_thread(this, label) else {
        count(denied(Cause::NoMemory));
        // SAFETY: has no precondition.
        unsafe { bpf_send_signal(SIGKILL) };
        return;
    };
    let request = Request::one(Operation::Setuid).held_if(false);
    let unresolved = label.count & UNRESOLVED;
    label.count &= !UNRESOLVED;
    if judge::place(label, file::of_file(file), request) == PASS {
        label.count |= unresolved;
    } else {
        kill(label);
    }
    arguments::set_owner_changes(this);
}

// proto: void sched_process_exec(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)
/// Judges the arguments of a program that has started. The exec can't fail any more: from here on the task's
/// events name the new program. Its memory is final and nothing of it has run: a program with forbidden
/// arguments is killed here.
#[inline(always)]
pub fn sched_process_exec(context: &BtfTracePointContext) {
    let Some(label) = label::current() else { return };
    label.program = label.pending;
    let this = task::current();
    let Some(scratch) = take() else {
        if label.count & UNRESOLVED != 0 {
            kill(label);
        }
        return;
    };
    let bprm: Pointer = context.arg(2);
    let strings: u32 = load(bprm, &O_BPRM_ARGC);
    let program: Pointer = load(bprm, &O_BPRM_FILE);
    let place = file::of_file(program);
    label.count &= !UNRESOLVED;
    let approval = hold::end_exec(scratch, strings);
    let memory: Pointer = load(this, &O_TASK_MM);
    // Stands if the arguments can't be judged.
    scratch.set_ruling(Ruling::denied(Operation::Exec as u8, Cause::NoPolicy as u32));
    judge::judge_final_arguments(scratch.number, strings);
    let begun = core::mem::replace(&mut label.exec, 0);
    let mut ruling = scratch.ruling();
    if approval == ExecApproval::Changed {
        ruling = Ruling { cause: Cause::Changed as u32, ..Ruling::denied(ruling.operation as u8, 0) };
    } else if approval == ExecApproval::Same && ruling.cause == Cause::Held as u32 {
        // The arguments that a rule asks about were shown, and approved.
        let required = ruling.cell.is_required();
        ruling = Ruling::allowed(ruling.operation as u8);
        if required {
            ruling.cell = ruling.cell.required();
        }
    }
    if begun & REQUIRED != 0 {
        ruling.cell = ruling.cell.required();
    }
    if begun & UNSENT != 0 && ruling.passes() && ruling.cell.is_required() {
        ruling = ruling.unrecorded();
    }
    scratch.set_ruling(ruling);
    if !ruling.passes() {
        let found = resolve(place, scratch).is_ok();
        let object = if found { Object::Path } else { Object::None };
        scratch.set_request(Request::one(Operation::Exec).held_if(false));
        scratch.changed = file::changed(place.entry);
        let bits = 1 << (ruling.operation & 31);
        if judge::conclude(label, scratch, (Family::Exec, object), identity(place.entry), bits) == PASS {
            scratch.set_ruling(Ruling::allowed(ruling.operation as u8));
        }
    }
    send(scratch, label, (Family::Exec, Object::Arguments), (0, memory::argument_bytes(memory)), strings);
    if !scratch.ruling().passes() {
        kill(label);
    }
    give(scratch);
}

/// Ends the task before it has run an instruction; if it could not be ended, it gets nothing.
#[inline(always)]
fn kill(label: &mut gatekeeper_common::label::Label) {
    label.count = TOO_MANY_LAYERS;
    // SAFETY: has no precondition.
    unsafe { bpf_send_signal(SIGKILL) };
}
