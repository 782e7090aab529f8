//! Programs: starting one, and what is known once it runs.

use aya_ebpf::programs::{BtfTracePointContext, LsmContext};
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Cause;

use crate::decide::Asked;
use crate::judge::{self, PASS};
use crate::kernel::{O_BPRM_FILE, Pointer, file, load, task};
use crate::label;

// proto: int bprm_check_security(struct linux_binprm *bprm)
/// Called for a script and again for its interpreter, with `bprm->file` changed (fs/exec.c `exec_binprm`).
#[inline(always)]
pub fn check(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let bprm: Pointer = context.arg(0);
    let program: Pointer = load(bprm, &O_BPRM_FILE);
    let result = judge::place(label, file::of_file(program), Asked::one(Operation::Exec));
    let this = task::current();
    // An exec makes the calling thread the leader (fs/exec.c `de_thread`): it must hold the label itself,
    // with what has just been noted in it.
    if result == PASS && this != task::leader(this) && !label::store(this, label) {
        return judge::refuse(label, Operation::Exec, Cause::NoMemory, 0);
    }
    result
}

// proto: void sched_process_exec(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)
/// The exec can't fail any more: from here on the task's events name the new program.
#[inline(always)]
pub fn done(_: &BtfTracePointContext) {
    if let Some(label) = label::current() {
        label.program = label.pending;
    }
}
