mod answers;
mod control;
mod run;
mod servers;
mod supervisor;
mod wait;
