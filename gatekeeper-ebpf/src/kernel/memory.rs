//! `struct mm_struct`: where a program's arguments and environment lie.

use super::{O_MM_ARG_END, O_MM_ARG_START, O_MM_ENV_END, O_MM_ENV_START, Pointer, load};

/// Address of a program's arguments, its name included.
#[inline(always)]
pub fn arguments_at(memory: Pointer) -> u64 {
    load(memory, &O_MM_ARG_START)
}

/// Bytes of a program's arguments, its name included.
#[inline(always)]
pub fn argument_bytes(memory: Pointer) -> u64 {
    load::<u64>(memory, &O_MM_ARG_END).wrapping_sub(arguments_at(memory))
}

/// Address of a program's environment.
#[inline(always)]
pub fn environment_at(memory: Pointer) -> u64 {
    load(memory, &O_MM_ENV_START)
}

/// Bytes of a program's environment.
#[inline(always)]
pub fn environment_bytes(memory: Pointer) -> u64 {
    load::<u64>(memory, &O_MM_ENV_END).wrapping_sub(environment_at(memory))
}

/// Whether an exec has laid out arguments and environment (fs/binfmt_elf.c `create_elf_tables`, Linux 6.12).
#[inline(always)]
pub fn is_set_up(memory: Pointer) -> bool {
    load::<u64>(memory, &O_MM_ARG_END) != 0
}
