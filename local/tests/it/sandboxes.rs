//! `local lambda` with a function that misbehaves when it is told to.

mod faults;
mod freezing;
mod lifecycle;
mod stage;
