//! The outcome of an operation, and the number that a hook returns for it.

/// The result of a hook that lets an operation pass.
pub const PASS: i32 = 0;
/// The result of a hook that refuses one: -EPERM.
pub const EPERM: i32 = -1;
/// The result of a hook that holds one: -ERESTARTNOINTR (include/linux/errno.h). The kernel starts the call
/// again, whatever signals came.
pub const RESTART: i32 = -513;

/// The outcome of an operation. Functions return it as a number: the verifier accepts no structure
/// (kernel/bpf/btf.c `btf_prepare_func_args`, Linux 6.12).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Outcome(u64);

impl Outcome {
    /// The operation is refused.
    pub const DENIED: Self = Self(0);
    /// The operation passes.
    pub const PASSED: Self = Self(1);
    /// The operation waits: its task has been stopped, and the call will start again.
    pub const HELD: Self = Self(2);

    /// The outcome of an operation that nobody is asked about.
    #[inline(always)]
    pub const fn passed_if(passes: bool) -> Self {
        Self(passes as u64)
    }

    /// The outcome that a function returned as a number.
    #[inline(always)]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// The outcome as a number, to be returned by a function.
    #[inline(always)]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The result of the hook. Written out: the compiler would compute it, and the verifier would lose the
    /// range that every hook's result must lie in (kernel/bpf/bpf_lsm.c `bpf_lsm_get_retval_range`, since
    /// Linux 6.12).
    #[inline(always)]
    pub fn result(self) -> i32 {
        let result: u64;
        // SAFETY: changes one register.
        unsafe {
            core::arch::asm!(
                "{result} = 0",
                "if {outcome} == {PASSED} goto +3",
                "{result} = -1",
                "if {outcome} != {HELD} goto +1",
                "{result} = {RESTART}",
                result = out(reg) result,
                outcome = in(reg) self.0,
                PASSED = const Self::PASSED.0 as i32,
                HELD = const Self::HELD.0 as i32,
                RESTART = const RESTART,
                options(nomem, nostack)
            );
        }
        result as i32
    }
}
