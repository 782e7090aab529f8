//! Holds, as the daemon serves them. The loop `serve` stands above two leaves: `look` at the kernel's table and `check`;
//! `answer` takes a person's word; all of them decide through `decide`.

pub mod answer;
mod ask_people;
mod check;
mod decide;
pub mod look;
pub mod serve;
