//! System V objects: a session uses its own. Others have no name that a rule could match.

use aya_ebpf::programs::LsmContext;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Cause;

use super::builtin;
use crate::judge;
use crate::label;
use crate::layout::Owner;
use crate::maps::OBJECTS;
use crate::outcome::PASS;

/// Keeps the owner of a new object; an object whose owner can't be kept is not made.
#[inline(always)]
pub(super) fn keep_owner(context: &LsmContext, limit: u32) -> i32 {
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
pub(super) fn require_owner(object: u64, limit: u32) -> i32 {
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
