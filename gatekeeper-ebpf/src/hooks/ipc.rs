//! System V objects and keys: a session uses its own. Others have no name that a rule could speak of.

use aya_ebpf::EbpfContext;
use aya_ebpf::helpers::generated::bpf_get_func_arg;
use aya_ebpf::programs::LsmContext;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Cause;

use crate::judge::{self, PASS};
use crate::kernel::{O_REGISTERS_FIRST, load, task};
use crate::label;
use crate::layout::Owner;
use crate::maps::OBJECTS;

/// Which of the built-in limits an event's `detail` names.
const IPC: u32 = 8;
const KEY: u32 = 9;

/// Notes whose a new object is; one that can't be noted is not made.
#[inline(always)]
fn note(context: &LsmContext, what: u32) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let object: u64 = context.arg(0);
    if OBJECTS.insert(object, Owner::of(label), 0).is_ok() {
        PASS
    } else {
        judge::refuse(label, Operation::Control, Cause::NoMemory, what)
    }
}

/// Judges the use of an object.
#[inline(always)]
fn own(object: u64, what: u32) -> i32 {
    let Some(label) = label::current() else { return PASS };
    // SAFETY: a value of a map that is not preallocated stays readable until the program ends (RCU).
    if let Some(owner) = unsafe { OBJECTS.get(object) }
        && owner.is_within(label)
    {
        return PASS;
    }
    judge::refuse(label, Operation::Control, Cause::Builtin, what)
}

// proto: int msg_queue_alloc_security(struct kern_ipc_perm *perm)
// proto: int shm_alloc_security(struct kern_ipc_perm *perm)
// proto: int sem_alloc_security(struct kern_ipc_perm *perm)
#[inline(always)]
pub fn made(context: &LsmContext) -> i32 {
    note(context, IPC)
}

// proto: void msg_queue_free_security(struct kern_ipc_perm *perm)
// proto: void shm_free_security(struct kern_ipc_perm *perm)
// proto: void sem_free_security(struct kern_ipc_perm *perm)
#[inline(always)]
pub fn freed(context: &LsmContext) -> i32 {
    forget(context.arg(0));
    PASS
}

// proto: void security_key_free(struct key *key)
// proto: void security_sk_free(struct sock *sk)
/// Forgets an object, whoever frees it: its memory will be another's.
#[inline(always)]
pub fn forget(object: u64) {
    // Most objects are nobody's; that there was nothing to remove is no error.
    let _ = OBJECTS.remove(object);
}

// proto: int ipc_permission(struct kern_ipc_perm *ipcp, short flag)
// proto: int msg_queue_msgctl(struct kern_ipc_perm *perm, int cmd)
// proto: int shm_shmctl(struct kern_ipc_perm *perm, int cmd)
// proto: int sem_semctl(struct kern_ipc_perm *perm, int cmd)
/// Without an object it is a question about the machine (IPC_INFO).
#[inline(always)]
pub fn used(context: &LsmContext) -> i32 {
    let object: u64 = context.arg(0);
    if object == 0 { PASS } else { own(object, IPC) }
}

// proto: int key_alloc(struct key *key, const struct cred *cred, unsigned long flags)
/// A key that is asked for and not there is made by a program of root's, with the caller's words for its arguments
/// (security/keys/request_key.c `construct_key`). Of a call of 32 bits it is not known which it is.
#[inline(always)]
pub fn key_made(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let call = task::call(task::current());
    if call == task::REQUEST_KEY || call == task::FOREIGN {
        return judge::refuse(label, Operation::Control, Cause::Builtin, KEY);
    }
    note(context, KEY)
}

const KEYCTL_INVALIDATE: u32 = 21;
const KEYCTL_PKEY_QUERY: u32 = 24;
const KEYCTL_PKEY_VERIFY: u32 = 28;

/// Whether the call needs only the right to find a key, and does more: ends it, or signs and decrypts with it
/// (security/keys/keyctl.c `keyctl_invalidate_key`, keyctl_pkey.c).
#[inline(always)]
fn is_more_than_search() -> bool {
    let this = task::current();
    let call = task::call(this);
    let command: u64 = load(task::registers(this), &O_REGISTERS_FIRST);
    let command = command as u32;
    call == task::FOREIGN
        || call == task::KEYCTL
            && (command == KEYCTL_INVALIDATE || (KEYCTL_PKEY_QUERY..=KEYCTL_PKEY_VERIFY).contains(&command))
}

/// `enum key_need_perm` (include/linux/key.h): what reads or changes a key's content.
const READ: u64 = 2;
const WRITE: u64 = 3;
const SEARCH: u64 = 4;
const SETATTR: u64 = 6;
const UNLINK: u64 = 7;

// proto: int key_permission(key_ref_t key_ref, const struct cred *cred, enum key_need_perm need_perm)
/// The lowest bit of the reference says whether the caller possesses the key (include/linux/key.h). The
/// keyrings of a login hold what belongs to its owner.
#[inline(always)]
pub fn key_used(context: &LsmContext) -> i32 {
    let need = context.arg::<u64>(2) as u32 as u64;
    let uses = need == READ || need == WRITE || need == SETATTR || need == UNLINK;
    if !(uses || need == SEARCH && is_more_than_search()) {
        return PASS;
    }
    let mut reference = 0_u64;
    // SAFETY: the hook has a first argument; its type is one that older verifiers let no program load.
    let fault = unsafe { bpf_get_func_arg(context.as_ptr(), 0, &raw mut reference) };
    if fault != 0 {
        reference = 0;
    }
    own(reference & !1, KEY)
}
