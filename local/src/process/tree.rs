//! The processes below a process. PostgreSQL puts each of its own into a session of its own, so a signal to the process
//! group does not reach them.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// A process below another one. The start time tells it from a later process with the same pid.
pub(crate) struct Descendant {
    pid: Pid,
    started_ticks: u64,
}

impl Descendant {
    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    pub(crate) fn is_alive(&self) -> bool {
        Row::read(self.pid).is_some_and(|row| row.started_ticks == self.started_ticks && !row.is_zombie)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        if self.is_alive() {
            // The only possible failure is that it is ending at this moment.
            let _ = kill_process(self.pid, signal);
        }
    }
}

pub(crate) fn descendants(root: Pid) -> Vec<Descendant> {
    let mut found = Vec::new();
    let rows: Vec<Row> = all_pids().filter_map(Row::read).collect();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for row in rows.iter().filter(|row| row.parent == parent.as_raw_pid()) {
            parents.push(row.pid);
            found.push(Descendant { pid: row.pid, started_ticks: row.started_ticks });
        }
    }
    found
}

/// Whether all threads of a process stand still. The signal that stops them returns before they do.
pub(crate) fn is_stopped(pid: Pid) -> bool {
    let threads = fs::read_dir(format!("/proc/{}/task", pid.as_raw_pid())).into_iter().flatten().flatten();
    let mut states = threads.filter_map(|thread| Some(fields(&thread.path().join("stat"))?.swap_remove(0)));
    states.all(|state| matches!(state.as_str(), "T" | "t" | "Z" | "X"))
}

/// What `/proc/PID/stat` says of a process.
struct Row {
    pid: Pid,
    parent: i32,
    started_ticks: u64,
    is_zombie: bool,
}

impl Row {
    fn read(pid: Pid) -> Option<Self> {
        let fields = fields(Path::new(&format!("/proc/{}/stat", pid.as_raw_pid())))?;
        Some(Self {
            pid,
            parent: fields.get(1)?.parse().ok()?,
            started_ticks: fields.get(19)?.parse().ok()?,
            is_zombie: matches!(fields.first()?.as_str(), "Z" | "X"),
        })
    }
}

/// From the third on, the state. The second is the program's name in parentheses, which may itself hold spaces and
/// parentheses.
fn fields(stat: &Path) -> Option<Vec<String>> {
    let text = fs::read_to_string(stat).ok()?;
    Some(text.rsplit_once(") ")?.1.split(' ').map(str::to_owned).collect())
}

fn all_pids() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
}
