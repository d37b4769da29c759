#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod control;
mod roles;
mod run;
mod sandboxes;
mod servers;
mod supervisor;
mod wait;
