//! Keys: a session uses its own. Others have no name that a rule could match.
//!
//! The kernel asks about a right to a key, and one right serves many commands of keyctl(2). So the command counts,
//! too, and one that is not known here needs a key of the session's own whatever the right.

use aya_ebpf::EbpfContext;
use aya_ebpf::helpers::generated::bpf_get_func_arg;
use aya_ebpf::programs::LsmContext;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Cause;

use super::builtin;
use super::ipc::{keep_owner, require_owner};
use crate::judge;
use crate::kernel::{call, task};
use crate::label;
use crate::outcome::PASS;

// proto: int key_alloc(struct key *key, const struct cred *cred, unsigned long flags)
/// Keeps the owner of a new key. A key that is requested and not there is made by a program of root's, with
/// the caller's text for its arguments (security/keys/request_key.c `construct_key`): that is refused. A call
/// that can't be known could be any. The keyrings of a user are made at their first use by anybody, and belong to
/// no session (security/keys/process_keys.c `look_up_user_keyrings`, persistent.c; include/linux/key.h).
#[inline(always)]
pub fn key_alloc(context: &LsmContext) -> i32 {
    const KEY_ALLOC_NOT_IN_QUOTA: u64 = 2;
    const KEY_ALLOC_UID_KEYRING: u64 = 16;
    let Some(label) = label::current() else { return PASS };
    let call = call::number(task::current());
    if call == call::REQUEST_KEY || call == call::FOREIGN {
        return judge::refuse(label, Operation::Control, Cause::Builtin, builtin::KEY);
    }
    if context.arg::<u64>(2) & (KEY_ALLOC_NOT_IN_QUOTA | KEY_ALLOC_UID_KEYRING) != 0 {
        return PASS;
    }
    keep_owner(context, builtin::KEY)
}

// `enum key_need_perm` (include/linux/key.h). `DEFERRED` is looked at again before the key is used.
const VIEW: u32 = 1;
const SEARCH: u32 = 4;
const LINK: u32 = 5;
const DEFERRED: u32 = 10;

// Commands of keyctl(2) (include/uapi/linux/keyctl.h).
const SESSION_TO_PARENT: u32 = 18;

/// The keys that a command works with, beyond the right that the kernel asks about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Command {
    /// Of any key it sees what everybody may see, and what it changes needs another right.
    Finds,
    /// It also links a key to a keyring, and to do so needs to write that one.
    Links,
    /// It does more with a key than its right says: ends it, signs or decrypts with it, watches it, takes it for its
    /// keyring. Or it is not known.
    Uses,
}

impl Command {
    #[inline(always)]
    const fn of(number: u32) -> Self {
        match number {
            // LINK, GET_PERSISTENT, MOVE
            8 | 22 | 30 => Self::Links,
            // GET_KEYRING_ID; UPDATE, REVOKE, CHOWN, SETPERM, DESCRIBE, CLEAR; UNLINK, SEARCH, READ, INSTANTIATE,
            // NEGATE, SET_REQKEY_KEYRING, SET_TIMEOUT, ASSUME_AUTHORITY, GET_SECURITY; REJECT, INSTANTIATE_IOV;
            // DH_COMPUTE; CAPABILITIES
            0 | 2..=7 | 9..=17 | 19..=20 | 23 | 31 => Self::Finds,
            // JOIN_SESSION_KEYRING, SESSION_TO_PARENT, INVALIDATE, PKEY_QUERY to PKEY_VERIFY, RESTRICT_KEYRING,
            // WATCH_KEY, and all that come
            _ => Self::Uses,
        }
    }
}

/// Whether a right is one that a key of others may be found by.
#[inline(always)]
fn only_finds(call: u32, command: u32, need: u32) -> bool {
    if call == call::FOREIGN {
        return need == VIEW;
    }
    if call != call::KEYCTL {
        return need == VIEW || need == SEARCH;
    }
    match Command::of(command) {
        Command::Finds => need == VIEW || need == SEARCH || need == DEFERRED,
        Command::Links => need == VIEW || need == SEARCH || need == LINK,
        Command::Uses => false,
    }
}

// proto: int key_permission(key_ref_t key_ref, const struct cred *cred, enum key_need_perm need_perm)
/// Judges the use of a key. The lowest bit of the reference is set where the caller possesses the key
/// (include/linux/key.h). The keyrings of a login hold its owner's keys, so possession is not enough. Another
/// keyring for the parent is refused: the parent can be outside.
#[inline(always)]
pub fn key_permission(context: &LsmContext) -> i32 {
    let need = context.arg::<u64>(2) as u32;
    let Some(label) = label::current() else { return PASS };
    let this = task::current();
    let (call, command) = (call::number(this), call::first_argument(this));
    if call == call::KEYCTL && command == SESSION_TO_PARENT {
        return judge::refuse(label, Operation::Control, Cause::Builtin, builtin::KEY);
    }
    if only_finds(call, command, need) {
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
