//! From rules to the table of edges.

pub mod alphabet;
pub mod automata;
pub mod determinize;
pub mod merge;
pub mod nfa;
pub mod nfa_build;
pub mod pack;
pub mod rows;
pub mod sets;
