//! System V objects and keys: a session uses its own. Others have no name that a rule could match.

use aya_ebpf::EbpfContext;
use aya_ebpf::helpers::generated::bpf_get_func_arg;
use aya_ebpf::programs::LsmContext;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Cause;

use super::builtin;
use crate::judge;
use crate::kernel::{O_REGISTERS_FIRST, load, task};
use crate::label;
use crate::layout::Owner;
use crate::maps::OBJECTS;
use crate::outcome::PASS;

/// Keeps the owner of a new object; an object whose owner can't be kept is not made.
#[inline(always)]
fn keep_owner(context: &LsmContext, limit: u32) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let object: u64 = context.arg(0);
    if OBJECTS.insert(object, Owner::of(label), 0).is_ok() {
        PASS
    } else {
        judge::refuse(label, Operation::Control, Cause::NoMemory, limit)
    }
}

/// Refuses an object that is not the session's own.
#[inline(always)]
fn require_owner(object: u64, limit: u32) -> i32 {
    let Some(label) = label::current() else { return PASS };
    // SAFETY: a value of a map that is not preallocated stays readable until the program ends (RCU).
    if let Some(owner) = unsafe { OBJECTS.get(object) }
        && owner.is_within(label)
    {
        return PASS;
    }
    judge::refuse(label, Operation::Control, Cause::Builtin, limit)
}

// proto: int msg_queue_alloc_security(struct kern_ipc_perm *perm)
/// Keeps the owner of a new message queue.
#[inline(always)]
pub fn msg_queue_alloc_security(context: &LsmContext) -> i32 {
    keep_owner(context, builtin::IPC)
}

// proto: int shm_alloc_security(struct kern_ipc_perm *perm)
/// Keeps the owner of a new segment of shared memory.
#[inline(always)]
pub fn shm_alloc_security(context: &LsmContext) -> i32 {
    keep_owner(context, builtin::IPC)
}

// proto: int sem_alloc_security(struct kern_ipc_perm *perm)
/// Keeps the owner of a new set of semaphores.
#[inline(always)]
pub fn sem_alloc_security(context: &LsmContext) -> i32 {
    keep_owner(context, builtin::IPC)
}

// proto: void msg_queue_free_security(struct kern_ipc_perm *perm)
/// Forgets a message queue.
#[inline(always)]
pub fn msg_queue_free_security(context: &LsmContext) -> i32 {
    forget(context.arg(0));
    PASS
}

// proto: void shm_free_security(struct kern_ipc_perm *perm)
/// Forgets a segment of shared memory.
#[inline(always)]
pub fn shm_free_security(context: &LsmContext) -> i32 {
    forget(context.arg(0));
    PASS
}

// proto: void sem_free_security(struct kern_ipc_perm *perm)
/// Forgets a set of semaphores.
#[inline(always)]
pub fn sem_free_security(context: &LsmContext) -> i32 {
    forget(context.arg(0));
    PASS
}

// proto: void security_key_free(struct key *key)
/// Forgets a key.
#[inline(always)]
pub fn security_key_free(key: u64) {
    forget(key);
}

// proto: void security_sk_free(struct sock *sk)
/// Forgets a socket.
#[inline(always)]
pub fn security_sk_free(sock: u64) {
    forget(sock);
}

/// Forgets an object, whoever frees it: its memory will be another's.
#[inline(always)]
fn forget(object: u64) {
    // Most objects have no owner here; that there was nothing to remove is no error.
    let _ = OBJECTS.remove(object);
}

/// Judges the use of a System V object; without one it is a question about the machine (IPC_INFO).
#[inline(always)]
fn use_object(context: &LsmContext) -> i32 {
    let object: u64 = context.arg(0);
    if object == 0 { PASS } else { require_owner(object, builtin::IPC) }
}

// proto: int ipc_permission(struct kern_ipc_perm *ipcp, short flag)
/// Judges the use of any object.
#[inline(always)]
pub fn ipc_permission(context: &LsmContext) -> i32 {
    use_object(context)
}

// proto: int msg_queue_msgctl(struct kern_ipc_perm *perm, int cmd)
/// Judges a command on a message queue.
#[inline(always)]
pub fn msg_queue_msgctl(context: &LsmContext) -> i32 {
    use_object(context)
}

// proto: int shm_shmctl(struct kern_ipc_perm *perm, int cmd)
/// Judges a command on a segment of shared memory.
#[inline(always)]
pub fn shm_shmctl(context: &LsmContext) -> i32 {
    use_object(context)
}

// proto: int sem_semctl(struct kern_ipc_perm *perm, int cmd)
/// Judges a command on a set of semaphores.
#[inline(always)]
pub fn sem_semctl(context: &LsmContext) -> i32 {
    use_object(context)
}

// proto: int key_alloc(struct key *key, const struct cred *cred, unsigned long flags)
/// Keeps the owner of a new key. A key that is requested and not there is made by a program of root's, with
/// the caller's text for its arguments (security/keys/request_key.c `construct_key`): that is refused. A call
/// of 32 bits could be any.
#[inline(always)]
pub fn key_alloc(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let call = task::call(task::current());
    if call == task::REQUEST_KEY || call == task::FOREIGN {
        return judge::refuse(label, Operation::Control, Cause::Builtin, builtin::KEY);
    }
    keep_owner(context, builtin::KEY)
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

// `enum key_need_perm` (include/linux/key.h).
const READ: u64 = 2;
const WRITE: u64 = 3;
const SEARCH: u64 = 4;
const SETATTR: u64 = 6;
const UNLINK: u64 = 7;

// proto: int key_permission(key_ref_t key_ref, const struct cred *cred, enum key_need_perm need_perm)
/// Judges the use of a key. The lowest bit of the reference is set where the caller possesses the key
/// (include/linux/key.h). The keyrings of a login hold its owner's keys, so possession is not enough.
#[inline(always)]
pub fn key_permission(context: &LsmContext) -> i32 {
    let need = u64::from(context.arg::<u64>(2) as u32);
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
    require_owner(reference & !1, builtin::KEY)
}
